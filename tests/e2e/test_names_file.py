"""INSTANCES_FILE: instances in a list that another program writes, while jobs run."""

import os
import resource
import signal
from pathlib import Path

from client import http_request
from farm import QUICK
from processes import genconf_command, run
from running import UP, Running, run_command
from waiting import wait_for

OPEN_JOBS = 20
SEVERAL = 300
TOO_MANY_FOR_1024_FILES = 600


class Listed(Running):
    """Its instances are in INSTANCES_FILE: the first `listed` ones at first."""

    def __init__(self, lab, count, listed, **variables):
        self.list = lab.directory / "list"
        super().__init__(lab, count=count, configured=0, INSTANCES_FILE=self.list, **variables)
        self.write_list(range(1, listed + 1))

    def urls(self, numbers):
        return [self.farm.instances[number].url for number in numbers]

    def write_list(self, numbers):
        """As a whole."""
        new = self.list.with_suffix(".new")
        new.write_text("".join(f"{url}\n" for url in self.urls(numbers)))
        os.replace(new, self.list)

    def health(self):
        """number -> what the agent says of it."""
        answer = http_request(self.farm.status_port, target="/health")
        return {int(i["name"].removeprefix("instance")): i for i in answer.json()["instances"]}

    def wait_for_numbers(self, expected):
        """Waits until the agent and HAProxy know these instances: number -> URL."""

        def right():
            found = {number: i["url"] for number, i in self.health().items()}
            assert found == expected, f"instances are {found}"
            assert set(self.farm.servers()) == set(expected), "HAProxy has others"
            return True

        wait_for(right, f"the instances {expected}")

    def wait_for_instances(self, numbers):
        self.wait_for_numbers(dict(zip(numbers, self.urls(numbers))))


    def wait_for_reports(self, number, count):
        """As many new ones of one instance."""
        seen = {self.health()[number]["last_check"]}

        def enough():
            seen.add(self.health()[number]["last_check"])
            return len(seen) > count

        wait_for(enough, f"{count} reports of instance{number}")

    def wait_until_leaving(self, number):
        wait_for(lambda: self.health()[number]["is_leaving"], f"instance{number} to be leaving")

    def found_file(self):
        return Path(f"{self.variables['HAPROXY_SOCKET']}.state/instances")

    def limit_files(self, limit):
        """So many open files, for what is started from now on."""
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (limit, limit))


def accept_everywhere(farm, count):
    """Asynchronous jobs, one at each instance, until they are released: number -> id."""
    form = {"job_time": -1, "headers": [("X-Sim-Async", "1")], "fields": {"stored_output": "true"}}
    jobs = {}
    for _ in range(count):
        answer = farm.run_job(**form)
        jobs[farm.number_of_answer(answer)] = answer.json()["job_id"]
    assert len(jobs) == count
    return jobs


def marks(farm):
    return [record.mark for records in farm.records().values() for record in records]


def test_the_list_is_rewritten_while_jobs_run(lab):
    running = Listed(lab, count=5, listed=3, **QUICK).start()
    farm = running.farm
    running.wait_for_instances([1, 2, 3])
    accepted = accept_everywhere(farm, 3)
    jobs = farm.open_jobs(OPEN_JOBS)
    assert all(farm.instances[n].state()["running"] > 0 for n in (1, 2, 3))
    running.write_list([2, 3, 4, 5])
    running.wait_for_instances([1, 2, 3, 4, 5])
    running.wait_until_it_gets_jobs(4)
    running.wait_until_it_gets_jobs(5)
    # The one that is gone has jobs: it stays, drained.
    wait_for(lambda: running.health()[1]["is_leaving"], "instance1 to be leaving")
    farm.wait_for_weights({1: 0})
    assert running.health()[1]["is_drained"] and running.health()[1]["is_healthy"]
    before = farm.counts()[1]
    later = farm.open_jobs(OPEN_JOBS)
    assert farm.counts()[1] == before
    farm.release_all()
    assert [job.response().status for job in jobs + later] == [200] * 2 * OPEN_JOBS
    seen = marks(farm)
    assert len(seen) == len(set(seen)) and {job.mark for job in jobs + later} <= set(seen)
    # It had jobs: who polls for a result now and then finds it, as long as the instance lives.
    running.wait_for_reports(1, 12)
    assert farm.request(target=f"/v1/jobs/{accepted[1]}").status == 200
    farm.instances[1].set(listening=False)
    running.wait_for_instances([2, 3, 4, 5])
    # Its number is free again.
    farm.instances[1].set(listening=True)
    running.write_list([2, 3, 4, 5, 1])
    running.wait_for_instances([1, 2, 3, 4, 5])
    running.stop()


def test_one_that_is_back_before_its_jobs_have_ended_gets_jobs_again(lab):
    running = Listed(lab, count=2, listed=2).start()
    farm = running.farm
    jobs = farm.open_jobs(4)
    running.write_list([2])
    wait_for(lambda: running.health()[1]["is_leaving"], "instance1 to be leaving")
    # What an operator says of it is another matter.
    farm.set_state(2, "drain")
    running.write_list([2, 1])
    wait_for(lambda: not running.health()[1]["is_leaving"], "instance1 to be back")
    farm.wait_for_weights({2: 0})
    wait_for(lambda: farm.weights()[1] > 0, "HAProxy to hear of it")
    assert farm.open_job_and_see() == 1
    assert running.health()[2]["is_drained"] and not running.health()[2]["is_leaving"]
    farm.release_all()
    assert [job.response().status for job in jobs] == [200] * 4
    assert set(farm.servers()) == {1, 2}
    running.stop()


def test_numbers_outlive_a_restart_and_the_order_of_the_list(lab):
    running = Listed(lab, count=4, listed=3).start()
    running.wait_for_instances([1, 2, 3])
    running.stop()
    running.write_list([4, 3, 2, 1])
    running.start()
    running.wait_for_instances([1, 2, 3, 4])
    # An INSTANCE_N_URL takes its number; the one that had it moves, and no other does.
    urls = dict(enumerate(running.urls([1, 2, 3, 4]), start=1))
    named = lab.sim(1).instances[0].url
    running.file.write_text(f"INSTANCE_2_URL={named}\n")
    running.wait_for_numbers({1: urls[1], 2: named, 3: urls[3], 4: urls[4], 5: urls[2]})
    # One that is named and found is one instance.
    running.file.write_text(f"INSTANCE_7_URL={urls[3]}\n")
    running.wait_for_numbers({1: urls[1], 4: urls[4], 5: urls[2], 7: urls[3]})
    running.stop()


def test_instances_may_move_from_the_variables_into_a_list(lab):
    """HAProxy never hears of a configuration without any."""
    running = Listed(lab, count=2, listed=0)
    variables = running.variables
    assert variables.pop("INSTANCES_FILE") == running.list
    running.file.write_text(running.lines([1]))
    running.start()
    running.write_list([1, 2])
    running.file.write_text(f"INSTANCES_FILE={running.list}\n")
    answers = []

    def is_at_second():
        answers.append(running.farm.run_job())
        return answers[-1].header("X-Sim-Instance") == "2"

    wait_for(is_at_second, "a job at instance2")
    assert {answer.status for answer in answers} == {200}
    running.wait_for_instances([1, 2])
    # And back.
    running.file.write_text(running.lines([2]))
    running.wait_for_instances([2])
    assert running.farm.run_jobs(3) == [2, 2, 2]
    running.stop()


def test_a_list_that_is_bad_or_gone_changes_nothing(lab):
    running = Listed(lab, count=2, listed=1).start()
    running.wait_for_instances([1])
    running.list.write_text(f"{running.urls([2])[0]}\n\nftp://x # no\n")
    running.process.wait_for_err(rf"{running.list} line 3: \"ftp://x # no\": the scheme must be")
    running.process.wait_for_err("the last good list stays in force")
    running.list.unlink()
    running.list.write_text("http://\n")
    running.process.wait_for_err(rf"{running.list} line 1: \"http://\": has no host")
    assert set(running.health()) == {1}
    running.write_list([1, 2])
    running.process.wait_for_err("it is good again: 2 URLs")
    running.wait_for_instances([1, 2])
    running.list.unlink()
    running.process.wait_for_err("it isn't there: the last list stays in force")
    assert running.farm.run_job().status == 200
    assert set(running.health()) == {1, 2}
    running.stop()


def test_another_list_that_is_not_there_or_bad_keeps_those_of_before(lab):
    running = Listed(lab, count=2, listed=2)
    running.variables.pop("INSTANCES_FILE")
    other = lab.directory / "other"
    running.file.write_text(f"INSTANCES_FILE={running.list}\n")
    running.start()
    running.wait_for_instances([1, 2])
    before = running.count("read again: nothing is new")
    running.file.write_text(f"INSTANCES_FILE={other}\n")
    running.process.wait_for_err("2 instances of before stay until they have been read")
    running.wait_for_more("read again: nothing is new", before)
    other.write_text("http://\n")
    running.process.wait_for_err(rf"{other} line 1: \"http://\": has no host")
    assert running.farm.run_jobs(2) and not any(i["is_leaving"] for i in running.health().values())
    # Nobody waits for who opens a FIFO.
    other.unlink()
    os.mkfifo(other)
    running.process.wait_for_err(f"{other}: isn't a regular file")
    other.unlink()
    other.write_text(f"{running.urls([2])[0]}\n")
    running.wait_for_numbers({2: running.urls([2])[0]})
    running.stop()


def test_those_of_a_list_that_is_no_source_any_more_leave_as_any_other(lab):
    running = Listed(lab, count=2, listed=1, **QUICK)
    running.variables.pop("INSTANCES_FILE")
    running.file.write_text(f"INSTANCES_FILE={running.list}\n")
    running.start()
    running.wait_for_instances([1])
    job = running.farm.open_job_and_see()
    assert job == 1
    running.file.write_text(running.line(2))
    running.wait_until_it_gets_jobs(2)
    running.wait_until_leaving(1)
    running.farm.release_all()
    running.farm.instances[1].set(listening=False)
    running.wait_for_instances([2])
    running.stop()


def test_a_list_that_was_too_long_is_over_once_it_is_mended(lab):
    running = Listed(lab, count=3, listed=3).start()
    running.wait_for_instances([1, 2, 3])
    running.limit_files(1024)
    too_long = "".join(f"http://127.0.0.1:9/{n}\n" for n in range(TOO_MANY_FOR_1024_FILES))
    running.list.write_text(too_long)
    running.process.wait_for_err("the new configuration is bad")
    running.write_list([1, 2])
    running.wait_for_instances([1, 2])
    # Stopped meanwhile, and mended then.
    running.list.write_text(too_long)
    running.process.wait_for_err("the new configuration is bad", count=2)
    running.stop()
    running.write_list([1])
    mine = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, mine[1]))
    running.launch()
    running.limit_files(1024)
    resource.setrlimit(resource.RLIMIT_NOFILE, mine)
    running.process.wait_for_out(UP)
    running.wait_for_instances([1])
    running.stop()


def test_what_it_has_found_is_written_again_if_somebody_removes_it(lab):
    running = Listed(lab, count=1, listed=1).start()
    running.wait_for_instances([1])
    running.found_file().unlink()
    running.change(lambda: running.process.send_signal(signal.SIGHUP))
    assert set(running.health()) == {1} and running.farm.run_job().status == 200
    running.stop()


def test_a_bad_list_at_the_start_is_said_with_its_line(lab):
    running = Listed(lab, count=1, listed=1)
    running.list.write_text("http://127.0.0.1\n127.0.0.1:x\n")
    done = run(run_command(), running.variables)
    assert done.returncode == 2
    assert f"{running.list} line 2: \"127.0.0.1:x\": the port must be" in done.stderr.decode()


def test_there_may_be_none_at_the_start_and_later(lab):
    running = Listed(lab, count=1, listed=1)
    farm = running.farm
    running.list.unlink()
    running.start()
    running.process.wait_for_err("it isn't there: no instance yet")

    def refused():
        answer = farm.run_job()
        assert answer.status == 503 and answer.header("Retry-After"), answer
        return answer.json() == {"detail": "No healthy backend instances available"}

    def healths():
        return http_request(farm.port, target="/health").json()["total_instances"]

    assert refused() and healths() == 0
    running.write_list([1])
    running.wait_for_instances([1])
    wait_for(lambda: farm.run_job().status == 200, "the first job")
    running.write_list([])
    wait_for(refused, "jobs to be refused")
    # Idle, but no report says so yet: while it is leaving nobody else asks it.
    assert healths() in (0, 1)
    running.write_list([1])
    wait_for(lambda: farm.run_job().status == 200, "the first job after that")
    running.stop()


def test_without_leastjobs_run_genconf_says_who_is_missing(lab):
    farm = lab.farm({}, INSTANCES_FILE=lab.directory / "list")
    done = run(genconf_command() + ["-o", farm.config_path], farm.variables)
    assert done.returncode == 0
    message = "INSTANCES_FILE: who they are isn't known yet: it is `leastjobs run` that finds them"
    assert message in done.stderr.decode()


def test_a_list_of_hundreds(lab):
    running = Listed(lab, count=SEVERAL, listed=SEVERAL).start()
    running.wait_for_instances(range(1, SEVERAL + 1))
    assert running.farm.run_job().status == 200
    assert "more instances have come or gone" in running.process.err()
    running.stop()
