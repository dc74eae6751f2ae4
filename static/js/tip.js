// data-tip: the words appear on hover, focus and tap; Escape takes them away. Without script `title` does it.

const tip = document.createElement("div");
tip.className = "tip";
tip.popover = "manual";
tip.setAttribute("role", "tooltip");
tip.id = "tip";
document.body.append(tip);
let owner = null;

function show(element) {
  if (owner === element) return;
  hide();
  owner = element;
  // Two tips at once would be one too many: ours replaces the browser's.
  owner.removeAttribute("title");
  owner.setAttribute("aria-describedby", "tip");
  tip.textContent = owner.dataset.tip;
  tip.showPopover();
  place();
}

function place() {
  const box = owner.getBoundingClientRect();
  const size = tip.getBoundingClientRect();
  const left = Math.min(Math.max(8, box.left), window.innerWidth - size.width - 8);
  const below = box.bottom + 6;
  const top = below + size.height > window.innerHeight ? box.top - size.height - 6 : below;
  tip.style.left = `${left}px`;
  tip.style.top = `${top}px`;
}

function hide() {
  if (!owner) return;
  owner.removeAttribute("aria-describedby");
  owner = null;
  tip.hidePopover();
}

function onEnter(event) {
  const element = event.target.closest?.("[data-tip]");
  if (element) show(element);
  else if (!tip.contains(event.target)) hide();
}

document.addEventListener("pointerover", onEnter);
document.addEventListener("focusin", onEnter);
document.addEventListener("click", onEnter);
document.addEventListener("scroll", hide, { capture: true, passive: true });
document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
