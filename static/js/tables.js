// A table that is greater than its box can be reached and scrolled with the keyboard. Of tabs that do not all fit,
// the current one is in sight.

const watcher = new ResizeObserver((entries) => entries.forEach(({ target }) => mark(target)));

function mark(wrap) {
  const style = getComputedStyle(wrap);
  const scrolls = (wrap.scrollWidth > wrap.clientWidth && style.overflowX === "auto")
    || (wrap.scrollHeight > wrap.clientHeight && style.overflowY === "auto");
  if (scrolls) {
    wrap.tabIndex = 0;
    wrap.setAttribute("role", "region");
    wrap.setAttribute("aria-label", wrap.dataset.scrollLabel);
  } else {
    wrap.removeAttribute("tabindex");
    wrap.removeAttribute("role");
    wrap.removeAttribute("aria-label");
  }
}

function showCurrent(tab) {
  const tabs = tab.closest(".views"), hidden = tab.getBoundingClientRect().right - tabs.getBoundingClientRect().right;
  if (hidden > 0) tabs.scrollLeft += hidden;
}

function watch(root) {
  root.querySelectorAll(".views [aria-current]").forEach(showCurrent);
  root.querySelectorAll("[data-scroll-label]").forEach((wrap) => watcher.observe(wrap));
}

watch(document);
document.addEventListener("fragment:loaded", (event) => watch(event.target));
