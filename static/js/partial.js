// Small updates in place: polling (data-poll) and forms or links whose answer is a fragment (data-fragment).
// The server knows such a request by its X-Fragment header.

const HEADERS = { "X-Fragment": "1" };

function put(target, html) {
  target.innerHTML = html;
  target.dispatchEvent(new CustomEvent("fragment:loaded", { bubbles: true }));
}

// Polling ends with an element data-poll-done in the answer; its value, if any, is the page to go to.
async function poll(element) {
  const seconds = Number(element.dataset.pollSeconds || 5);
  if (!element.isConnected) return;
  try {
    const answer = await fetch(element.dataset.poll, { headers: HEADERS });
    if (answer.redirected || answer.status === 401) {
      window.location.reload();
      return;
    }
    if (answer.ok) put(element, await answer.text());
  } catch {
    // No network just now: the next round tries again.
  }
  const done = element.querySelector("[data-poll-done]");
  if (done?.dataset.pollDone) window.location.assign(done.dataset.pollDone);
  if (!done) setTimeout(poll, seconds * 1000, element);
}

function startPolls(root) {
  root.querySelectorAll("[data-poll]").forEach((element) => {
    setTimeout(poll, Number(element.dataset.pollSeconds || 5) * 1000, element);
  });
}

// Nothing was sent, and what was typed is still there.
function sayOffline(form) {
  form.querySelector(".offline-words")?.remove();
  form.append(document.getElementById("offline-words").content.cloneNode(true));
  form.querySelector(".offline-words").scrollIntoView({ block: "nearest" });
}

// The statuses of a form that was refused and comes back to be mended; any other refusal is a page of its own.
const SHOWN_IN_PLACE = [409, 422];

async function load(url, options, targetSelector, form) {
  const target = document.querySelector(targetSelector);
  target.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(url, { ...options, headers: HEADERS });
    if (answer.redirected) window.location.assign(answer.url);
    else if (!answer.ok && !SHOWN_IN_PLACE.includes(answer.status)) {
      if (form) form.submit();
      else window.location.assign(url);
    } else put(target, await answer.text());
  } catch {
    if (form) sayOffline(form);
  } finally {
    target.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const target = form.dataset.fragment;
  if (!target || event.defaultPrevented || !document.querySelector(target)) return;
  event.preventDefault();
  if (form.dataset.sent) return;
  form.dataset.sent = "yes";
  const entries = new FormData(form, event.submitter);
  const isPost = form.method === "post";
  const query = new URLSearchParams(entries);
  const url = isPost ? form.action : `${form.action.split("?")[0]}?${query}`;
  try {
    await load(url, isPost ? { method: "POST", body: entries } : {}, target, isPost ? form : null);
  } finally {
    delete form.dataset.sent;
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-fragment]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !document.querySelector(link.dataset.fragment)) return;
  event.preventDefault();
  load(link.href, {}, link.dataset.fragment);
});

startPolls(document);
document.addEventListener("fragment:loaded", (event) => startPolls(event.target));
