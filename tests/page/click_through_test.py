"""Clicks through a report page in headless Chromium: three sizes, light and dark, hostile text, keyboard."""

import os
import pathlib
import subprocess
import sys
import tempfile

import chromium

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ.get("SRPO_BIN", HERE.parents[1] / "build" / "bin"))
SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desk": (1360, 900)}
DOWN, UP, RIGHT, ENTER, ESCAPE = 40, 38, 39, 13, 27


def check(condition, message):
    if not condition:
        sys.exit("FAILED: " + message)


def make_page(scratch):
    for name, steps in (("first", 30), ("second", 24)):
        subprocess.run([BIN / "record_run_folder", scratch / name, str(steps), "12", "20"], check=True)
    page = scratch / "page.html"
    subprocess.run([BIN / "srpo_analyze", scratch / "first", "dashboard", "--with", scratch / "second", "--out", page], check=True)
    return page


def look_at_sizes(browser, page, pictures):
    checks = (HERE / "checks.js").read_text()
    for size, (width, height) in SIZES.items():
        for theme in ("light", "dark"):
            browser.resize(width, height, theme == "dark", size == "phone")
            browser.open(page.as_uri())
            complaints = browser.complaints() + browser.run(checks)
            check(not complaints, f"{size}, {theme}:\n" + "\n".join(complaints))
            check(not browser.requests(), f"the page asks for {browser.requests()}")
            if pictures:
                browser.picture(pictures / f"{size}-{theme}.png", whole=True)


def click_through(browser, page):
    run = browser.run
    browser.resize(*SIZES["desk"], False)
    browser.open(page.as_uri())

    # Tables: sorted by a click, by another the other way round; filtered by words and by outcome.
    def steps():
        return run("[...document.querySelectorAll('#step-table tbody td:first-child')].map(cell => Number(cell.textContent))")
    check(steps() == sorted(steps(), reverse=True), "steps are not shown with the last one first")
    browser.click("#step-table th button")
    check(steps() == sorted(steps()), "a click does not sort the steps")
    rows = "document.querySelectorAll('#tree-table tbody tr').length"
    everything = run(rows)
    browser.click("#tree-table input")
    for letter in "pwned":
        browser.press(letter)
    found = run("[...document.querySelectorAll('#tree-table tbody tr')].filter(row => row.textContent.includes('pwned')).length")
    check(0 < found == run(rows) < everything, f"the word filter leaves {run(rows)} of {everything} trees, {found} with the word")
    check(run("document.querySelector('#tree-table .quiet').textContent").startswith(f"{found} of"), "the count does not follow the filter")

    # A tree: its hostile text is text, the chosen thought stands out, chains open by keyboard.
    browser.click("#tree-table button.open")
    browser.wait_for("document.getElementById('tree-dialog').open")
    check("<script>window.pwned" in run("document.querySelector('#tree-dialog .question').textContent"), "the question is not shown as it is")
    check(run("document.querySelectorAll('#tree-dialog img, #tree-dialog script').length") == 0, "text has become markup")
    complaints = run((HERE / "checks.js").read_text())
    check(not complaints, "an open tree:\n" + "\n".join(complaints))
    browser.press("Escape", ESCAPE)
    browser.wait_for("!document.getElementById('tree-dialog').open")
    run("(() => { const input = document.querySelector('#tree-table input'); input.value = ''; input.dispatchEvent(new Event('input')); "
        "const select = document.querySelector('#tree-table select'); select.value = 'gained'; select.dispatchEvent(new Event('change')); })()")
    check(0 < run(rows) < everything, "the outcome filter does nothing")
    browser.click("#tree-table button.open")
    check(run("document.querySelectorAll('#tree-body ol li.chosen').length") == 1, "no thought is marked as the chosen one")
    chosen = run("document.querySelector('#tree-body ol li.chosen .n').textContent")
    told = run("[...document.querySelectorAll('#tree-body dd')].map(node => node.textContent).find(text => text.startsWith('back to'))")
    check(told.startswith(f"back to thought {chosen} of"), f"thought {chosen} is marked, and the tree says: {told}")
    run("[...document.querySelectorAll('.branches .row')].at(-1).focus()")
    browser.press("Enter", ENTER)
    check(run("document.querySelector('#tree-body h3').textContent") == "ending 4", "Enter does not open the ending")
    title = run("document.getElementById('tree-title').textContent")
    browser.press("j")
    check(run("document.getElementById('tree-title').textContent") != title, "j does not go to the next tree")
    browser.press("k")
    check(run("document.getElementById('tree-title').textContent") == title, "k does not go back")
    check(run("location.hash").startswith("#tree="), "the address does not name the tree")
    browser.press("Escape", ESCAPE)

    # Pictures answer to keys.
    run("document.querySelector('#curve .plot').focus()")
    browser.press("ArrowRight", RIGHT)
    browser.wait_for("!document.getElementById('tip').hidden")
    check("base groups" in run("document.getElementById('tip').textContent"), "the curve tells nothing")
    run("document.querySelector('#heat .plot').focus()")
    browser.press("ArrowDown", DOWN)
    check("thought" in run("document.getElementById('tip').textContent"), "the heat map tells nothing")
    before = run("document.querySelector('#heat rect').style.fill")
    browser.click("#heat label:nth-child(2)")
    check(run("document.querySelector('#heat rect').style.fill") != before, "the heat map has one colour only")
    check(run("document.querySelectorAll('#timeline svg path').length") > 0, "the timeline has no busy ranks")

    # Another run, other colours, all metrics.
    run("(() => { const select = document.getElementById('run-select'); select.value = 1; select.dispatchEvent(new Event('change')); })()")
    check(run("document.getElementById('run-name').textContent") == "second", "the other run is not shown")
    browser.click("#theme")
    browser.click("#theme")
    check(run("document.documentElement.dataset.theme") == "dark", "the theme does not change")
    browser.click("#metrics summary")
    browser.wait_for("document.querySelectorAll('#metric-grid svg .line').length > 0")
    check(run("document.querySelectorAll('#compare-table tbody tr').length") > 8, "nothing is compared")
    check(run("window.pwned === undefined"), "text of a trajectory has been executed")
    check(not browser.complaints(), "\n".join(browser.complaints()))


def main():
    if chromium.find() is None:
        print("skipped: there is no Chromium (apt-get install chromium, or SRPO_CHROMIUM=its path)")
        sys.exit(77)
    pictures = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as scratch:
        page = make_page(pathlib.Path(scratch))
        with chromium.Browser() as browser:
            look_at_sizes(browser, page, pictures)
            click_through(browser, page)
            browser.open(page.as_uri())
            browser.wait_for("performance.getEntriesByName('first-contentful-paint').length")
            paint = browser.run("Math.round(performance.getEntriesByName('first-contentful-paint')[0].startTime)")
    print(f"passed: {page.name}, first paint after {paint} ms")


if __name__ == "__main__":
    main()
