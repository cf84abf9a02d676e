"""The fleet page as a person has it: a headless Chromium that a test drives (Selenium)."""

import contextlib
import json
import logging
import shutil
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from browser import OPTIONS, chromium_command, end_children_since
from processes import environment, own_children
from waiting import SLOWNESS, wait_for

WIDE = (1400, 900)
PHONE = (360, 740)
# What a row says, by the names of /fleet.
NUMBERS = ("capacity", "in_flight", "external_jobs", "accepted_jobs")
READ = """
return Array.from(document.querySelectorAll('#fleet tbody tr')).filter((tr) => !tr.hidden)
    .map((tr) => Object.fromEntries(Array.from(tr.querySelectorAll('[data-cell]'),
        (cell) => [cell.dataset.cell, cell.innerText])));
"""

# A browser that is asked all the time does little else.
POLL = 0.1

logging.getLogger("selenium").setLevel(logging.WARNING)
logging.getLogger("urllib3").setLevel(logging.WARNING)


def wait_for_page(condition, what):
    return wait_for(condition, what, poll=POLL)


class FleetPage:
    def __init__(self, driver, farm):
        self.driver = driver
        self.farm = farm
        self.address = f"127.0.0.1:{farm.admin_port}"

    # --- what a browser is told

    def open(self, password=None):
        """`password` as a person would type it, with some user's name."""
        credentials = f"somebody:{password}@" if password else ""
        self.driver.get(f"http://{credentials}{self.address}/")

    def cdp(self, command, **parameters):
        return self.driver.execute_cdp_cmd(command, parameters)

    def resize(self, size):
        width, height = size
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def prefer(self, scheme):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.cdp("Emulation.setEmulatedMedia", features=features)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def find_all(self, selector):
        return self.driver.find_elements("css selector", selector)

    # --- what a person reads

    def text(self, selector):
        return self.find(selector).text

    def rows(self):
        """The instances' rows that are to be seen, in their order, by what their cells say."""
        return self.run(READ)

    def row(self, number):
        (row,) = [row for row in self.rows() if row["name"] == f"instance{number}"]
        return row

    def names(self):
        return [row["name"] for row in self.rows()]

    def wait_for_row(self, number, **expected):
        def right():
            row = self.row(number)
            assert {key: row[key] for key in expected} == expected, row
            return True

        wait_for_page(right, f"instance{number} to be {expected} on the page")

    def wait_for_text(self, selector, words):
        def right():
            try:
                text = self.text(selector)
            except StaleElementReferenceException:
                text = ""
            assert words in text, f"{selector} says {text!r}"
            return True

        wait_for_page(right, f"{words!r} in {selector}")

    def button(self, number):
        return self.find(f'#fleet tbody button[aria-label$=" instance{number}"]')

    # --- what was asked, and what went wrong

    def requested(self):
        """URLs that the browser has asked for since the last call, but its own and those in text."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        urls = [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in urls if urlsplit(url).scheme not in ("data", "chrome")]

    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]


@contextlib.contextmanager
def open_page(lab, farm, size=WIDE, password=None):
    """A browser that shows the page of this farm, with an answer on it."""
    before = set(own_children())
    directory = lab.directory / lab.name("chromium")
    directory.mkdir()
    options = Options()
    options.binary_location = chromium_command()
    for argument in [*OPTIONS, f"--user-data-dir={directory}"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    program = shutil.which("chromedriver")
    assert program, "chromedriver isn't installed: tools/install-packages test"
    variables = {"HOME": str(directory), "XDG_RUNTIME_DIR": str(directory)}
    service = Service(program, env=environment(variables), log_path=str(directory / "driver.log"))
    try:
        driver = webdriver.Chrome(service=service, options=options)
        driver.set_page_load_timeout(30 * SLOWNESS)
        page = FleetPage(driver, farm)
        page.resize(size)
        page.open(password)
        wait_for_page(lambda: len(page.rows()) == len(farm.instances), "the page's table")
        yield page
        driver.quit()
    finally:
        end_children_since(before)
