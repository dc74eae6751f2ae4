// On the accident form: once the vehicle is known, guides for other classes of vehicles step aside.

const cover = document.getElementById("claim-cover");
const guides = document.querySelectorAll("[data-guide-classes]");

function choose() {
  const known = cover.querySelector("[data-use-class]")?.dataset.useClass ?? "";
  for (const guide of guides) guide.hidden = Boolean(known) && !guide.dataset.guideClasses.split(" ").includes(known);
}

if (cover && guides.length) {
  new MutationObserver(choose).observe(cover, { childList: true, subtree: true });
  choose();
}
