// What this phone keeps of reports, in IndexedDB: the facts of each, and apart from them the bytes of its photos,
// so that noting how far a photo has been sent does not write the photo again.

const NAME = "desk-phone";
const channel = "BroadcastChannel" in self ? new BroadcastChannel(NAME) : null;
const listeners = new Set();
let opened = null;

// Every page and the worker hear of a change; so does the one who made it.
export function listen(heard) {
  listeners.add(heard);
}

channel?.addEventListener("message", (event) => listeners.forEach((heard) => heard(event.data)));

export function tell(message = {}) {
  channel?.postMessage(message);
  listeners.forEach((heard) => heard(message));
}

function open() {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("reports", { keyPath: "key" });
      asked.result.createObjectStore("photos");
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  return opened;
}

// False where a browser has no store or does not let a page use it.
export async function isUsable() {
  try {
    return Boolean(self.indexedDB) && Boolean(await open());
  } catch {
    return false;
  }
}

async function run(mode, act) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(["reports", "photos"], mode, { durability: "strict" });
    const asked = act(transaction.objectStore("reports"), transaction.objectStore("photos"));
    transaction.oncomplete = () => resolve(asked?.result);
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}

export const get = (key) => run("readonly", (reports) => reports.get(key));

export async function list() {
  const reports = await run("readonly", (all) => all.getAll());
  return reports.sort((one, other) => one.typedAt - other.typedAt);
}

// The report with the bytes of its new photos, in one transaction: all of it is kept, or nothing and the page says so.
export async function keep(report, blobs) {
  const before = await get(report.key);
  const held = new Set(report.photos.map((photo) => photo.id));
  const dropped = (before?.photos ?? []).filter((photo) => !held.has(photo.id));
  await run("readwrite", (reports, photos) => {
    reports.put(report);
    dropped.forEach((photo) => photos.delete(`${report.key}/${photo.id}`));
    blobs.forEach((blob, id) => photos.put(blob, `${report.key}/${id}`));
  });
  tell();
}

// Read, change and write in one transaction: two pages do not overwrite each other. A report that is gone stays gone.
export async function change(key, edit) {
  let changed;
  await run("readwrite", (reports) => {
    const asked = reports.get(key);
    asked.onsuccess = () => {
      changed = asked.result;
      if (!changed) return;
      edit(changed);
      reports.put(changed);
    };
  });
  tell();
  return changed;
}

export const photo = (key, id) => run("readonly", (_reports, photos) => photos.get(`${key}/${id}`));

export const dropPhoto = (key, id) => run("readwrite", (_reports, photos) => { photos.delete(`${key}/${id}`); });

export async function remove(key) {
  const range = IDBKeyRange.bound(`${key}/`, `${key}/\uffff`);
  await run("readwrite", (reports, photos) => {
    reports.delete(key);
    photos.delete(range);
  });
  tell();
}
