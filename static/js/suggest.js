// data-suggest="/url": a list of suggestions under an input (combobox of the ARIA practices).
// The address answers ?q=… with JSON [{"value", "label", "detail"}]. A <datalist> serves without script.

// On a line that is up but carries nothing, longer waiting would not help who is typing.
const PATIENCE = 6_000;
let lists = 0;

function setUp(input) {
  if (input.role === "combobox") return;
  const list = document.createElement("ul");
  list.className = "suggest-list";
  list.id = `suggest-${++lists}`;
  list.role = "listbox";
  list.hidden = true;
  list.setAttribute("aria-label", input.labels[0]?.textContent.trim() ?? "");
  const wrap = document.createElement("div");
  wrap.className = "suggest";
  input.before(wrap);
  wrap.append(input, list);
  input.removeAttribute("list");
  input.autocomplete = "off";
  input.role = "combobox";
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");
  listen(input, list);
}

function listen(input, list) {
  let timer;
  let latest = 0;
  input.addEventListener("input", (event) => {
    clearTimeout(timer);
    if (event.isComposing) return;
    timer = setTimeout(ask, 150);
  });
  input.addEventListener("compositionend", () => { timer = setTimeout(ask, 50); });
  input.addEventListener("blur", () => setTimeout(close, 150));
  input.addEventListener("keydown", onKey);
  list.addEventListener("pointerdown", (event) => {
    const option = event.target.closest("li");
    event.preventDefault();
    if (option) choose(option);
  });

  async function ask() {
    const words = input.value.trim();
    const turn = ++latest;
    if (!words) return close();
    const url = new URL(input.dataset.suggest, window.location.href);
    url.searchParams.set("q", words);
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout?.(PATIENCE) });
      const found = answer.ok ? await answer.json() : [];
      // An answer that was overtaken by a later key stroke is dropped.
      if (turn === latest) show(found);
    } catch {
      close();
      // A page that keeps suggestions on the phone shows those.
      const detail = { words, show: (kept) => turn + 1 === latest && show(kept) };
      input.dispatchEvent(new CustomEvent("suggest:unreachable", { bubbles: true, detail }));
    }
  }

  function show(found) {
    list.replaceChildren(...found.map(option));
    list.hidden = found.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    input.removeAttribute("aria-activedescendant");
  }

  function option(item, index) {
    const row = document.createElement("li");
    row.id = `${list.id}-${index}`;
    row.role = "option";
    row.dataset.value = item.value;
    row.setAttribute("aria-selected", "false");
    const label = document.createElement("span");
    label.textContent = item.label ?? item.value;
    const detail = document.createElement("span");
    detail.className = "suggest-detail";
    detail.textContent = item.detail ?? "";
    row.append(label, detail);
    return row;
  }

  function onKey(event) {
    if (event.isComposing || list.hidden) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      move(step);
    } else if (event.key === "Enter" && active()) {
      event.preventDefault();
      choose(active());
    } else if (event.key === "Escape") close();
  }

  function active() {
    return list.querySelector('[aria-selected="true"]');
  }

  function move(step) {
    const rows = [...list.children];
    const next = rows[(rows.indexOf(active()) + step + rows.length) % rows.length] ?? rows[0];
    rows.forEach((row) => row.setAttribute("aria-selected", String(row === next)));
    input.setAttribute("aria-activedescendant", next.id);
    next.scrollIntoView({ block: "nearest" });
  }

  function choose(row) {
    input.value = row.dataset.value;
    close();
    input.dispatchEvent(new Event("change", { bubbles: true }));
    input.dispatchEvent(new CustomEvent("suggest:chosen", { bubbles: true, detail: { value: row.dataset.value } }));
  }

  function close() {
    latest += 1;
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }
}

document.querySelectorAll("[data-suggest]").forEach(setUp);
document.addEventListener("fragment:loaded", (event) => event.target.querySelectorAll("[data-suggest]").forEach(setUp));
