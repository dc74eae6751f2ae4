// <form data-steps>: one [data-step] at a time, with Next and Back; without script all stand below each other.
// The phone's own back button goes one step back. [data-cover-url] is asked what covers the vehicle.

function setUp(form) {
  let steps = [...form.querySelectorAll("[data-step]")];
  const words = form.querySelector("[data-step-words]");
  let current = 0;

  function show(index, { moveFocus = true } = {}) {
    current = index;
    steps.forEach((step, position) => { step.hidden = position !== index; });
    words.textContent = words.dataset.stepWords.replace("{number}", index + 1).replace("{total}", steps.length);
    if (!moveFocus) return;
    window.scrollTo(0, 0);
    steps[index].querySelector("legend").focus({ preventScroll: true });
  }

  function go(index) {
    history.pushState({ step: index }, "");
    show(index);
  }

  function firstWrong(step) {
    return [...step.querySelectorAll("input, select, textarea")].find((field) => field.willValidate && !field.checkValidity());
  }

  function next() {
    const wrong = firstWrong(steps[current]);
    if (wrong) wrong.reportValidity();
    else go(current + 1);
  }

  // Before the document hears of it: a form that is not sent must not be locked.
  form.addEventListener("submit", (event) => {
    if (current < steps.length - 1) {
      event.preventDefault();
      next();
      return;
    }
    const index = steps.findIndex(firstWrong);
    if (index < 0) return;
    event.preventDefault();
    if (index !== current) go(index);
    firstWrong(steps[index]).reportValidity();
  });

  form.addEventListener("click", (event) => {
    if (event.target.closest("[data-step-next]")) next();
    else if (event.target.closest("[data-step-back]")) history.back();
    else {
      const link = event.target.closest('.form-errors a[href^="#"]');
      if (link) showFieldOf(link.hash.slice(1), event);
    }
  });

  function showFieldOf(id, event) {
    const field = document.getElementById(id);
    const index = steps.findIndex((step) => step.contains(field));
    if (index < 0) return;
    event.preventDefault();
    if (index !== current) go(index);
    field.focus();
  }

  // Refusals that a script has put beside their fields after the page came.
  form.addEventListener("steps:refused", (event) => {
    steps = [...form.querySelectorAll("[data-step]")];
    form.querySelectorAll("[data-step-buttons]").forEach((buttons) => { buttons.hidden = false; });
    const index = steps.findIndex((step) => step.querySelector(".field-error"));
    for (let step = current + 1; step <= index; step += 1) history.pushState({ step }, "");
    if (index >= 0) show(index, { moveFocus: Boolean(event.detail?.focus) });
  });

  window.addEventListener("popstate", (event) => show(event.state?.step ?? 0));

  const refused = steps.findIndex((step) => step.querySelector(".field-error"));
  form.querySelectorAll("[data-step-buttons]").forEach((buttons) => { buttons.hidden = false; });
  words.hidden = false;
  // Each step before the refused one is a step back of its own.
  history.replaceState({ step: 0 }, "");
  for (let index = 1; index <= refused; index += 1) history.pushState({ step: index }, "");
  show(Math.max(refused, 0), { moveFocus: false });
}

function watchCover(form) {
  const target = form.querySelector("[data-cover-url]");
  const plate = form.querySelector("[data-cover-plate]");
  const at = form.querySelector("[data-cover-at]");
  let latest = 0;

  async function ask() {
    const turn = ++latest;
    const url = new URL(target.dataset.coverUrl, window.location.href);
    url.searchParams.set("plate", plate.value.trim());
    url.searchParams.set("at", at.value);
    try {
      const answer = await fetch(url, { headers: { "X-Fragment": "1" }, signal: AbortSignal.timeout?.(6_000) });
      // The form is sent without this answer too; a slow one that was overtaken is dropped.
      if (answer.ok && !answer.redirected && turn === latest) target.innerHTML = await answer.text();
    } catch {
      // No signal: the server says it when the report arrives, and a phone that keeps the vehicles now.
      const detail = { plate: plate.value, at: at.value };
      if (turn === latest) target.dispatchEvent(new CustomEvent("cover:unreachable", { bubbles: true, detail }));
    }
  }

  plate.addEventListener("change", ask);
  at.addEventListener("change", ask);
}

document.querySelectorAll("form[data-steps]").forEach((form) => {
  setUp(form);
  watchCover(form);
});
