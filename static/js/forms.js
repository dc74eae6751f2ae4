// Forms: one click sends once, changed entries are not lost unasked or for want of a network, filters send themselves.

const dirty = new Set();

// A form that was sent stays locked until the page goes or comes back (the browser's back button).
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.getAttribute("method") !== "post" || form.dataset.fragment) return;
  // The browser's own page would take the place of all that was typed.
  if (!navigator.onLine) {
    event.preventDefault();
    sayOffline(form);
    return;
  }
  // The answer is a file: this page stays, so nothing would unlock it.
  if ("downloads" in form.dataset || (event.submitter && "downloads" in event.submitter.dataset)) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  dirty.delete(form);
  // Later, so that the clicked button's own name and value are still sent.
  setTimeout(() => setButtons(form, true));
});

function sayOffline(form) {
  form.querySelector(".offline-words")?.remove();
  form.append(document.getElementById("offline-words").content.cloneNode(true));
  form.querySelector(".offline-words").scrollIntoView({ block: "nearest" });
}

window.addEventListener("online", () => {
  document.querySelectorAll(".offline-words").forEach((words) => words.remove());
});

window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    setButtons(form, false);
  });
});

function setButtons(form, disabled) {
  for (const button of form.elements) {
    if (button.type !== "submit") continue;
    if (disabled && !button.disabled) button.dataset.lockedHere = "yes";
    if (disabled || button.dataset.lockedHere) button.disabled = disabled;
    button.toggleAttribute("aria-busy", disabled);
    if (!disabled) delete button.dataset.lockedHere;
  }
}

// What was typed is kept on the phone: the form may be left.
document.addEventListener("form:kept", (event) => dirty.delete(event.target));

document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (form && "dirtyGuard" in form.dataset) dirty.add(form);
});

window.addEventListener("beforeunload", (event) => {
  if ([...dirty].some((form) => form.isConnected)) event.preventDefault();
});

document.addEventListener("change", (event) => {
  const field = event.target;
  const sendsItself = "autosubmit" in field.dataset
    || (field.tagName === "SELECT" && field.form && "autosubmitForm" in field.form.dataset);
  if (sendsItself) field.form.requestSubmit();
});

// Empty filters stay out of the address, so that a view's link is short and comparable.
document.addEventListener("formdata", (event) => {
  if (!("autosubmitForm" in event.target.dataset)) return;
  for (const [name, value] of [...event.formData]) {
    if (value === "") event.formData.delete(name);
  }
});

// Parts that only matter for one answer, e.g. data-show-when="injured=yes".
function showParts(form) {
  form.querySelectorAll("[data-show-when]").forEach((part) => {
    const [name, wanted] = part.dataset.showWhen.split("=");
    part.hidden = !new FormData(form).getAll(name).includes(wanted);
  });
}

document.addEventListener("change", (event) => event.target.form && showParts(event.target.form));

function begin(root) {
  root.querySelectorAll("form:has([data-show-when])").forEach(showParts);
  root.querySelector("[data-focus-first]")?.focus();
}

begin(document);
document.addEventListener("fragment:loaded", (event) => begin(event.target));
