#!/usr/bin/env bash
# bench/proof/pack.sh [--without-icons] [FOLDER]
# Packs what `pnpm gpu:proof` needs for a Linux x64 machine that has a GPU and its driver, but no network and no Node: Node itself, the installed
# modules without what only other platforms, browsers and checks use, a Vulkan loader. FOLDER (default .gpu) travels with the checkout; there:
#   .gpu/run node scripts/launch.mjs node --import tsx bench/proof/main.ts --minutes 8 --out proof
# --without-icons leaves out what only the step `pretrain` draws from, a twelfth of it all: add `--only` with the other steps there.
set -euo pipefail
cd "$(dirname "$0")/../.."
icons=""
if [ "${1:-}" = "--without-icons" ]; then
  icons="--exclude=.pnpm/@iconify-json*"
  shift
fi
folder=${1:-.gpu}
[ -d node_modules ] || { echo "install first: npx --yes pnpm@12 install" >&2; exit 1; }
mkdir -p "$folder"
rm -f "$folder"/*

node=$(mktemp)
trap 'rm -f "$node"' EXIT
cp "$(readlink -f "$(command -v node)")" "$node"
strip "$node" 2>/dev/null || echo "strip is not here: Node is packed with its symbols" >&2
xz -T0 -9e -c "$node" > "$folder/node.xz"
# A Vulkan loader, and what NVIDIA's driver links to.
libraries="libvulkan1 libegl1 libglvnd0 libgl1 libglx0 libgles2 libopengl0 libx11-6 libxext6 libxcb1 libxau6 libxdmcp6 libbsd0 libmd0"
(cd "$folder" && apt-get download $libraries >/dev/null 2>&1) || echo "no Vulkan loader was downloaded: the machine must have one" >&2

find . -name node_modules -type d -prune -not -path './tools/*' -not -path "./$folder/*" |
  tar -cf - \
    --exclude='*/webgpu/dist/darwin-*' --exclude='*/webgpu/dist/win32-*' --exclude='*/webgpu/dist/linux-arm64' \
    --exclude='.pnpm/@sparticuz*' --exclude='.pnpm/playwright*' --exclude='.pnpm/@vitest+browser*' --exclude='*onnxruntime*' \
    --exclude='.pnpm/*-musl*' --exclude='*.map' --exclude='*.d.ts' --exclude='*.d.mts' --exclude='*.d.cts' --exclude='*/.vite*' \
    --exclude='*/zod/src' --exclude='*/zod/v3' --exclude='*/hub/src' --exclude='*/zip.js/dist' --exclude='*iconify-json*/chars.json' \
    $icons -T - | xz -T0 -9e > "$folder/modules.tar.xz"

cat > "$folder/run" <<'RUN'
#!/usr/bin/env bash
# Unpacks once, finds the GPU's Vulkan driver, runs the command given from the project's root.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/.."
unpack() {
  if command -v xz >/dev/null; then xz -dc "$1"
  else python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), sys.stdout.buffer)' "$1"; fi
}
box=${GPU_BOX:-/tmp/gpu-box}
if [ ! -x "$box/bin/node" ]; then
  mkdir -p "$box/bin" "$box/root"
  unpack "$here/node.xz" > "$box/bin/node"
  chmod +x "$box/bin/node"
  for package in "$here"/*.deb; do [ ! -e "$package" ] || dpkg -x "$package" "$box/root"; done
fi
[ -d node_modules ] || unpack "$here/modules.tar.xz" | tar xf -
export PATH="$box/bin:$PWD/node_modules/.bin:$PATH"
export LD_LIBRARY_PATH="$box/root/usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
if [ -z "${VK_DRIVER_FILES:-}" ]; then
  for file in /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json /etc/vulkan/icd.d/nvidia_icd.json /usr/share/vulkan/icd.d/nvidia_icd.json; do
    [ -e "$file" ] && { export VK_DRIVER_FILES=$file VK_ICD_FILENAMES=$file; break; }
  done
fi
exec "$@"
RUN
chmod +x "$folder/run"
du -ch "$folder"/* | tail -1
