#!/bin/sh
# Install Chromium and Chinese fonts for the browser tests where this user may; otherwise say why not, and go on.

for name in chromium-headless-shell chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
[ -n "${CHROMIUM:-}" ] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "No Chromium, and no apt-get to install it with: the browser tests will be skipped."
    exit 0
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "No Chromium, and this user may not install it: the browser tests will be skipped."
    exit 0
fi

# Debian has the shell without windows, which is smaller and quicker; elsewhere there is only the whole browser.
install() {
    $as_root apt-get install -y -qq --no-install-recommends "$1" fonts-noto-cjk
}

echo "Installing Chromium and Chinese fonts for the browser tests …"
export DEBIAN_FRONTEND=noninteractive
{ $as_root apt-get update -qq && { install chromium-headless-shell || install chromium; }; } \
    >/dev/null 2>&1 || echo "Chromium could not be installed: the browser tests will be skipped."
