#!/bin/sh
# Install Chromium and Chinese fonts for the browser tests where this user may; otherwise say why not, and go on.

for name in chromium chromium-browser google-chrome; do
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

echo "Installing Chromium and Chinese fonts for the browser tests …"
export DEBIAN_FRONTEND=noninteractive
{ $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk; } \
    >/dev/null 2>&1 || echo "Chromium could not be installed: the browser tests will be skipped."
