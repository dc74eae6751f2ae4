"""What axe finds wrong on a page, and how a crawl asks it for each look of a text once."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Page

_SCRIPT = Axe().axe_script

# Most of axe's time goes into contrast, and most texts of a page look like one beside them or on the page before: the
# rail, the head, the cells of a table. A look is everything contrast hangs on: the text's own colours and size, and
# what lies behind it, from the element to the root - what a box paints, it or its ::before and ::after, and the class
# of what is moved out of its place; and what is painted out of its place where the text is. A box that does neither changes no text's ground, whatever its name. Looks are
# known by their hash, and each page is told all of them, in one text. One text of each look is asked about, and when
# axe does not pass it, all the others are; only a look axe has passed is not asked about again.
# Nor is what axe measures no contrast of on any page - punctuation, boxes to tick, text for screen readers only, text
# beside the page or on a picture of its own: for one such element it would look up what lies over what on the whole
# page. Contrast is asked within the one run of all rules, for each run reads the whole page anew.
# All rules are asked, but axe would fetch and parse every style sheet anew for one that is not among them (an
# experimental one), and make a selector for each element that only its own report would print.
_RUN = """async (passed) => {
  const known = new Set(passed.split(" "));
  const layer = (element) => {
    const style = getComputedStyle(element);
    const pseudo = ["::before", "::after"].map((part) => {
      const drawn = getComputedStyle(element, part);
      return drawn.content === "none" ? "" : [drawn.backgroundColor, drawn.backgroundImage, drawn.position].join(" ");
    });
    const positioned = style.position === "static" ? "" : style.position + " " + element.className;
    return [style.backgroundColor, style.backgroundImage, style.opacity, positioned, style.transform, style.filter,
            style.mixBlendMode, ...pseudo].join(" ");
  };
  // FNV-1a, from two beginnings.
  const fnv = (text, begin) => {
    let value = begin;
    for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 16777619);
    return (value >>> 0).toString(36);
  };
  const hash = (text) => fnv(text, 2166136261) + "." + fnv(text, 374761393);
  const layers = new Map();
  const plain = layer(document.head);
  const behind = (element) => {
    if (!element) return "";
    if (!layers.has(element)) {
      const beneath = behind(element.parentElement), own = layer(element);
      layers.set(element, own === plain ? beneath : hash(beneath + "|" + own));
    }
    return layers.get(element);
  };
  const afloat = [...document.body.querySelectorAll("*")].filter((element) => {
    const style = getComputedStyle(element);
    const paints = style.backgroundColor !== "rgba(0, 0, 0, 0)" || style.backgroundImage !== "none";
    return paints && style.position !== "static" && element.checkVisibility();
  }).map((element) => [element, element.getBoundingClientRect()]);
  const beside = (element) => {
    const box = element.getBoundingClientRect();
    return afloat.filter(([other, its]) => its.left < box.right && box.left < its.right && its.top < box.bottom
      && box.top < its.bottom && !other.contains(element) && !element.contains(other))
      .map(([other]) => behind(other)).join("+");
  };
  const look = (element) => {
    const style = getComputedStyle(element);
    const disabled = element.closest(":disabled, [aria-disabled=true]") !== null;
    return hash([style.color, style.fontSize, style.fontWeight, style.textShadow,
                 style.webkitTextStroke, disabled, behind(element), beside(element)].join(";"));
  };
  const readable = (words) => axe.commons.text.removeUnicode(words, {emoji: true, nonBmp: true, punctuations: true});
  const silent = ["hidden", "range", "color", "checkbox", "radio", "image"].map((type) => `:not([type=${type}])`).join("");
  const says = (element) => element.matches(`input${silent}, select, textarea`)
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
  const fresh = new Map();
  for (const element of document.body.querySelectorAll("*")) {
    if (!says(element) || !element.checkVisibility()) continue;
    const seen = look(element);
    if (known.has(seen) || !measured(element)) continue;
    if (!fresh.has(seen)) fresh.set(seen, []);
    fresh.get(seen).push(element);
  }

  const rule = axe._audit.rules.find((one) => one.id === "color-contrast");
  rule.matchesAny ??= rule.matches;
  const run = async (asked, options) => {
    const found = new Set();
    rule.matches = (element, ...more) => {
      const matches = asked.has(element) && rule.matchesAny(element, ...more);
      if (matches) found.add(element);
      return matches;
    };
    const {violations, incomplete} = await axe.run(document, {
      ...options, resultTypes: ["violations", "incomplete"], elementRef: true, selectors: false});
    for (const {id, nodes} of [...violations, ...incomplete])
      if (id === rule.id) for (const node of nodes) found.delete(node.element);
    return {violations, good: [...found].map(look)};
  };
  const all = await run(new Set([...fresh.values()].map(([first]) => first)), {preload: {assets: ["media"]}});
  const good = new Set(all.good);
  const rest = [...fresh].filter(([seen]) => !good.has(seen)).flatMap(([, [, ...others]]) => others);
  const others = rest.length ? await run(new Set(rest), {runOnly: [rule.id]}) : {violations: [], good: []};
  const strip = (found) => ({...found, nodes: found.nodes.map(({html}) => ({html}))});
  return {violations: [...all.violations, ...others.violations].map(strip),
          passed: [...new Set([...all.good, ...others.good])]};
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
