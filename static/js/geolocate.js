// The phone's position into the form. data-geolocate names the three fields for latitude, longitude and
// accuracy; the button also carries the sentences for data-geo-status in the reader's language.

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-geolocate]");
  if (button) locate(button);
});

function locate(button) {
  const form = button.closest("form");
  const status = form.querySelector("[data-geo-status]");
  if (!navigator.geolocation) {
    status.textContent = button.dataset.failed;
    return;
  }
  status.textContent = button.dataset.waiting;
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      const values = [coords.latitude.toFixed(6), coords.longitude.toFixed(6), Math.ceil(coords.accuracy)];
      button.dataset.geolocate.split(" ").forEach((name, index) => {
        form.elements.namedItem(name).value = values[index];
      });
      status.textContent = button.dataset.found.replace("{metres}", Math.ceil(coords.accuracy));
    },
    (error) => {
      const isRefused = error.code === error.PERMISSION_DENIED;
      status.textContent = isRefused ? button.dataset.refused : button.dataset.failed;
    },
    { enableHighAccuracy: true, timeout: 15000, maximumAge: 30000 },
  );
}

// Without script the button could do nothing, so it starts hidden.
document.querySelectorAll("[data-geolocate]").forEach((button) => { button.hidden = false; });
