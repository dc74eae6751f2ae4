"""What axe finds wrong on a page, and how a crawl asks it for each look of a text once."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Page

_SCRIPT = Axe().axe_script

# Nine tenths of axe's time goes into contrast, and most texts of a page look like one on the page before: the
# rail, the head, the cells of a table. A look is everything contrast hangs on: the text's own colours and size,
# and what lies behind it, from the element to the root, known by its hash: there are thousands, and each page is
# told all of them, in one text. Only a look axe has passed is not asked about again.
# Nor is what axe measures no contrast of on any page - punctuation, text for screen readers only, text beside the
# page or on a picture of its own: for one such element it would look up what lies over what on the whole page.
# All rules are asked, but axe would fetch and parse every style sheet anew for one that is not among them (an
# experimental one), and make a selector for each element that only its own report would print.
_RUN = """async (passed) => {
  const known = new Set(passed.split(" "));
  const layer = (element) => {
    const style = getComputedStyle(element);
    return [element.tagName, element.className, style.backgroundColor, style.backgroundImage, style.opacity,
            style.position, style.transform, style.filter, style.mixBlendMode].join(" ");
  };
  // FNV-1a, from two beginnings.
  const fnv = (text, begin) => {
    let value = begin;
    for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 16777619);
    return (value >>> 0).toString(36);
  };
  const hash = (text) => fnv(text, 2166136261) + "." + fnv(text, 374761393);
  const layers = new Map();
  const behind = (element) => {
    if (!element) return "";
    if (!layers.has(element)) layers.set(element, hash(behind(element.parentElement) + "|" + layer(element)));
    return layers.get(element);
  };
  const look = (element) => {
    const style = getComputedStyle(element);
    const disabled = element.closest(":disabled, [aria-disabled=true]") !== null;
    return hash([style.color, style.fontSize, style.fontWeight, style.textShadow, disabled, behind(element)].join(";"));
  };
  const readable = (words) => axe.commons.text.removeUnicode(words, {emoji: true, nonBmp: true, punctuations: true});
  const says = (element) => element.matches("input, select, textarea")
    || [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && readable(node.data).trim());
  const clipped = (element) => {
    if (!element) return false;
    const style = getComputedStyle(element);
    return style.clip === "rect(0px, 0px, 0px, 0px)" || style.clipPath === "inset(50%)"
      || clipped(element.parentElement);
  };
  const measured = (element) => {
    const box = element.getBoundingClientRect();
    return getComputedStyle(element).backgroundImage === "none" && !clipped(element)
      && box.right + scrollX > 0 && box.bottom + scrollY > 0;
  };
  const fresh = [...document.body.querySelectorAll("*")].filter((element) =>
    says(element) && element.checkVisibility() && !known.has(look(element)) && measured(element));

  const all = await axe.run(document, {
    resultTypes: ["violations"], rules: {"color-contrast": {enabled: false}},
    preload: {assets: ["media"]}, selectors: false});
  if (!fresh.length) return {violations: all.violations, passed: []};
  const contrast = await axe.run({include: fresh}, {
    runOnly: ["color-contrast"], resultTypes: ["violations", "passes"], elementRef: true, selectors: false});
  const good = contrast.passes.flatMap((rule) => rule.nodes.map((node) => look(node.element)));
  const strip = (rule) => ({...rule, nodes: rule.nodes.map(({html}) => ({html}))});
  return {violations: [...all.violations, ...contrast.violations].map(strip), passed: [...new Set(good)]};
}"""

Looks = set[str]

# What passed on any page this process opened: the same text on the same ground is not asked about in every journey.
_PASSED: Looks = set()


def axe_problems(page: Page, passed: Looks = _PASSED) -> list[str]:
    """What axe finds wrong on the page, one line each; empty when all is well.

    Contrast is examined only in looks that have not `passed` on another page; those that pass now are added.
    A click returns before the page it leads to has come: what was looked at when its document went is looked
    at again on the page that took its place.
    """
    page.wait_for_load_state()
    try:
        found = _found(page, passed)
    except Error:
        page.wait_for_load_state()
        found = _found(page, passed)
    passed.update(found["passed"])
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: {[node['html'][:120] for node in rule['nodes'][:3]]}"
        for rule in found["violations"]
    ]


def _found(page: Page, known: Looks) -> dict[str, Any]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(_SCRIPT)
    found: dict[str, Any] = page.evaluate(_RUN, " ".join(known))
    return found
