// data-dialog="id" opens that <dialog>; without it (or without script) the link is followed.

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (dialog) {
    event.preventDefault();
    dialog.showModal();
  } else if (event.target instanceof HTMLDialogElement && isOutside(event, event.target)) {
    event.target.close();
  }
});

function isOutside(event, dialog) {
  const box = dialog.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

// A form inside a dialog that was refused comes back open.
document.querySelectorAll("dialog:has(.field-error, .form-errors)").forEach((dialog) => dialog.showModal());
