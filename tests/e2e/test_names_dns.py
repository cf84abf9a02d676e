"""INSTANCES_DNS: every address of a name is an instance, as long as it is there."""

from urllib.parse import urlsplit

from name_server import own_name_server
from running import Running
from waiting import wait_for

SEVERAL = 300
FAILED = r"the name doesn't resolve \(.*\): "
KEEPS = r"it keeps the %d address"


class Named(Running):
    """Instances are at one port of several addresses, which the test's name server knows."""

    def __init__(self, lab, count, **variables):
        sim = lab.sim(count, ["--slots", 1000, "--spread", "address"])
        self.port = sim.first_port
        super().__init__(lab, count=sim.instances, configured=0, **variables)

    def url(self, address):
        host = f"[{address}]" if ":" in address else address
        return f"http://{host}:{self.port}"

    def numbers(self):
        """URL -> number, of those that aren't leaving."""
        found = [i for i in self.farm.health()["instances"] if not i["is_leaving"]]
        return {i["url"]: int(i["name"].removeprefix("instance")) for i in found}

    def wait_for_addresses(self, expected):
        """`expected`: number -> address, of those that aren't leaving."""
        wanted = {self.url(address): number for number, address in expected.items()}

        def right():
            found = self.numbers()
            assert found == wanted, f"instances are {found}"
            assert set(self.farm.servers()) >= set(expected), "HAProxy has others"
            return True

        wait_for(right, f"the addresses {expected}")


def test_names_are_followed_through_all_that_happens_to_them(lab):
    """Two names at a time, since a name is asked for every five seconds."""
    with own_name_server(lab.directory) as dns:
        late, moving = "late.test", "moving.test"
        dns.addresses[moving] = ["127.0.0.1"]
        running = Named(lab, count=5)
        urls = [f"http://{name}:{running.port}" for name in ("moving", "late")]
        running.variables["INSTANCES_DNS"] = ",".join(urls)
        farm = running.farm
        # One that doesn't resolve keeps nobody from starting.
        running.start()
        running.process.wait_for_err(f"http://late:{running.port}: {FAILED}it is asked for again")
        running.wait_for_addresses({1: "127.0.0.1"})
        jobs = farm.open_jobs(4)

        dns.addresses[moving] = ["127.0.0.3", "127.0.0.1", "127.0.0.2"]
        dns.addresses[late] = ["127.0.0.5"]
        running.process.wait_for_err("the name resolves again: 1 address$")
        everyone = {1: "127.0.0.1", 2: "127.0.0.2", 3: "127.0.0.3", 4: "127.0.0.5"}
        if running.numbers().get(running.url("127.0.0.5")) == 2:  # it was asked for first
            everyone = {1: "127.0.0.1", 2: "127.0.0.5", 3: "127.0.0.2", 4: "127.0.0.3"}
        running.wait_for_addresses(everyone)
        jobs += farm.open_jobs(8)

        # The first one is gone, with its jobs; nobody knows the other name.
        dns.addresses[moving] = ["127.0.0.3", "127.0.0.2"]
        dns.fail(late)
        running.process.wait_for_err(f"http://late:{running.port}: {FAILED}{KEEPS % 1}")
        remaining = {number: a for number, a in everyone.items() if number != 1}
        running.wait_for_addresses(remaining)
        assert 1 in farm.servers()

        dns.fail(moving)
        dns.mend(late)
        dns.addresses[late] = ["127.0.0.5", "::1"]
        running.process.wait_for_err(f"http://moving:{running.port}: {FAILED}{KEEPS % 2}")
        running.wait_for_addresses(remaining | {5: "::1"})

        # Back, with its number; the family that isn't answered for stays.
        dns.mend(moving)
        dns.addresses[moving] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
        dns.failing.add((late, 6))
        running.process.wait_for_err("nobody says its IPv6 addresses")
        running.wait_for_addresses(everyone | {5: "::1"})
        farm.release_all()
        assert [job.response().status for job in jobs] == [200] * len(jobs)
        # Each of them was said once.
        assert running.count(FAILED) == 3
        assert running.process.err().count("is gone from") == 1
        running.stop()


def test_a_new_name_that_hangs_holds_back_no_other_change(lab):
    with own_name_server(lab.directory) as dns:
        running = Named(lab, count=2)
        dns.addresses["good.test"] = ["127.0.0.1"]
        dns.silent.add("silent.test")
        running.file.write_text(f"INSTANCES_DNS=http://good:{running.port}\n")
        running.start()
        running.wait_for_addresses({1: "127.0.0.1"})
        (lab.directory / "resolv.conf").write_text(
            "nameserver 127.0.0.1\nsearch test\noptions timeout:9 attempts:1\n"
        )
        running.change(
            lambda: running.file.write_text(
                f"INSTANCES_DNS=http://silent:{running.port}\nREQUEST_TIMEOUT=777\n"
            )
        )
        assert not running.count(FAILED)
        # Who was there is there, until the new name has resolved.
        running.wait_for_addresses({1: "127.0.0.1"})
        assert running.farm.run_job().status == 200
        running.stop()


def test_a_name_may_have_hundreds_of_addresses(lab):
    """More than an answer by UDP has room for."""
    with own_name_server(lab.directory) as dns:
        running = Named(lab, count=SEVERAL)
        urls = [instance.url for instance in running.farm.instances.values()]
        dns.addresses["many.test"] = [urlsplit(url).hostname for url in urls]
        running.variables["INSTANCES_DNS"] = f"http://many.test:{running.port}"
        running.start()
        wait_for(lambda: len(running.farm.servers()) == SEVERAL, "all instances in HAProxy")
        assert running.farm.health()["total_instances"] == SEVERAL
        assert running.farm.run_job().status == 200
        assert dns.by_tcp > 0
        running.stop()
