// Photos chosen in a file field: previews, removing one, adding more in a second go, and, where the page asks
// for it (data-max-edge), smaller copies so that three photos get through a poor signal.

const SMALL_ENOUGH = 1_500_000;

function setUp(block) {
  const input = block.querySelector('input[type="file"]');
  const add = block.querySelector("[data-photo-add]");
  if (!add.hidden) return;
  add.hidden = false;
  input.classList.add("is-tucked");
  input.addEventListener("focus", () => add.classList.add("is-focused"));
  input.addEventListener("blur", () => add.classList.remove("is-focused"));
  let chosen = [];

  input.addEventListener("change", async () => {
    const added = await Promise.all([...input.files].map((file) => shrink(file, Number(block.dataset.maxEdge))));
    chosen = input.multiple ? [...chosen, ...added] : added;
    refresh();
  });

  function refresh() {
    const files = new DataTransfer();
    chosen.forEach((file) => files.items.add(file));
    input.files = files.files;
    block.querySelector("[data-photo-count]").textContent = chosen.length ? `(${chosen.length})` : "";
    const previews = block.querySelector("[data-photo-previews]");
    previews.querySelectorAll("img").forEach((picture) => URL.revokeObjectURL(picture.src));
    previews.replaceChildren(...chosen.map(preview));
  }

  function preview(file, index) {
    const row = document.createElement("li");
    const picture = document.createElement("img");
    picture.src = URL.createObjectURL(file);
    picture.alt = file.name;
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "photo-remove";
    remove.textContent = "×";
    remove.setAttribute("aria-label", `${block.dataset.removeLabel}: ${file.name}`);
    remove.addEventListener("click", () => {
      chosen = chosen.filter((_file, position) => position !== index);
      refresh();
      input.focus();
    });
    row.append(picture, remove);
    return row;
  }
}

async function shrink(file, maxEdge) {
  if (!maxEdge || file.size < SMALL_ENOUGH || !file.type.startsWith("image/")) return file;
  try {
    const picture = await createImageBitmap(file);
    const scale = maxEdge / Math.max(picture.width, picture.height);
    if (scale >= 1) return file;
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
    return blob ? new File([blob], file.name.replace(/\.\w+$/, ".jpg"), { type: "image/jpeg" }) : file;
  } catch {
    // A kind of picture this browser cannot read goes up as it is; the server judges it.
    return file;
  }
}

document.querySelectorAll("[data-photo-input]").forEach(setUp);
document.addEventListener("fragment:loaded", (event) => event.target.querySelectorAll("[data-photo-input]").forEach(setUp));
