// The surveyor's page: arrival with the phone's position, a pad to draw on, and a draft that outlives a reload.

// form[data-arrive]: the position is asked for once, and whatever comes of it the form is sent.
function setUpArrival(form) {
  let asked = !navigator.geolocation;
  form.addEventListener("submit", (event) => {
    if (asked) return;
    // Before the document hears of it: a form that is not sent yet must not be locked.
    event.preventDefault();
    asked = true;
    const words = form.querySelector("[data-arrive-words]");
    words.textContent = words.dataset.waiting;
    const send = () => form.requestSubmit(event.submitter);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const values = { latitude: coords.latitude.toFixed(6), longitude: coords.longitude.toFixed(6), accuracy: Math.ceil(coords.accuracy) };
        for (const [name, value] of Object.entries(values)) form.querySelector(`[name$="${name}"]`).value = value;
        send();
      },
      () => {
        words.textContent = words.dataset.without;
        send();
      },
      { enableHighAccuracy: true, timeout: 8000, maximumAge: 30000 },
    );
  });
}

// form[data-sketch]: lines on a canvas become the picture of its file field.
function setUpSketch(form) {
  const canvas = form.querySelector("canvas");
  const input = form.querySelector('input[type="file"]');
  const pen = canvas.getContext("2d");
  const lines = [];
  let line = null;

  function draw() {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.strokeStyle = "#1f2733";
    pen.lineWidth = 5;
    pen.lineCap = pen.lineJoin = "round";
    for (const points of lines) {
      pen.beginPath();
      pen.moveTo(...points[0]);
      // A tap is a dot.
      for (const point of points.length > 1 ? points.slice(1) : points) pen.lineTo(...point);
      pen.stroke();
    }
  }

  function pointOf(event) {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  }

  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    line = [pointOf(event)];
    lines.push(line);
    draw();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!line) return;
    line.push(pointOf(event));
    draw();
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { line = null; });
  form.querySelector("[data-sketch-undo]").addEventListener("click", () => { lines.pop(); draw(); });
  form.querySelector("[data-sketch-clear]").addEventListener("click", () => { lines.length = 0; draw(); });

  let taken = false;
  form.addEventListener("submit", (event) => {
    if (taken || lines.length === 0 || input.files.length) return;
    event.preventDefault();
    canvas.toBlob((blob) => {
      const files = new DataTransfer();
      files.items.add(new File([blob], "sketch.png", { type: "image/png" }));
      input.files = files.files;
      taken = true;
      form.requestSubmit(event.submitter);
    }, "image/png");
  });
  form.querySelector("[data-sketch-pad]").hidden = false;
  draw();
}

// form[data-draft]: what is typed is kept in this browser under the draft's name until the step is done.
function setUpDraft(form) {
  const key = `draft:${form.dataset.draft}`;
  const fields = [...form.elements].filter((field) => field.name && !["hidden", "file", "submit"].includes(field.type));

  function save() {
    const values = fields.map((field) => [field.name, field.value, field.checked]);
    try {
      localStorage.setItem(key, JSON.stringify(values));
    } catch {
      // A browser that keeps nothing: the form works all the same.
    }
  }

  function restore() {
    let values;
    try {
      values = JSON.parse(localStorage.getItem(key));
    } catch {
      return;
    }
    for (const [name, value, checked] of values ?? []) {
      for (const field of fields.filter((one) => one.name === name)) {
        if (field.type === "checkbox" || field.type === "radio") {
          if (field.value === value) field.checked = checked;
        } else field.value = value;
      }
    }
    fields[0]?.dispatchEvent(new Event("change", { bubbles: true }));
  }

  // A refused form shows what was sent, which is the latest.
  if (!("draftRefused" in form.dataset)) restore();
  form.addEventListener("input", save);
  form.querySelector("[data-draft-words]").hidden = false;
}

document.querySelectorAll("form[data-arrive]").forEach(setUpArrival);
document.querySelectorAll("form[data-sketch]").forEach(setUpSketch);
document.querySelectorAll("form[data-draft]").forEach(setUpDraft);
document.querySelectorAll("[data-draft-done]").forEach((mark) => {
  try {
    localStorage.removeItem(`draft:${mark.dataset.draftDone}`);
  } catch {
    // Nothing was kept.
  }
});
