#!/usr/bin/env bash
# `npm run test:fresh`: both README commands on a Debian 12 that has nothing but Node. mmdebstrap makes a bare root in a
# temporary folder from this host's apt sources; the running Node and a clean clone of the committed project go in; the
# commands run there in namespaces of their own; everything is removed on every path. The demo runs twice.
#
# usage: bash test/support/project/fresh-root.sh [--keep] [COMMAND...]     (default: test, demo, demo)
# A command is what stands behind `npm run`, one argument each: demo, 'test -- test/unit/tpm2'.
set -euo pipefail

say() { printf 'fresh root: %s\n' "$*" >&2; }
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
keep=no
if [ "${1:-}" = --keep ]; then keep=yes; shift; fi
if [ $# -eq 0 ]; then set -- test demo demo; fi

if [ "$(id -u)" -ne 0 ]; then say "needs root: it makes a root file system and mounts in it"; exit 1; fi
for program in mmdebstrap unshare pivot_root chroot git; do
  command -v "$program" >/dev/null || {
    say "$program is missing: apt-get install -y mmdebstrap util-linux git"
    exit 1
  }
done
if [ -n "$(git -C "$project" status --porcelain --untracked-files=no)" ]; then
  say "note: what is not committed is not tested"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/unlockd-fresh.XXXXXX")
root=$work/root
cleanup() {
  status=$?
  trap - EXIT
  # The mounts are in the namespace of the commands and went with it; nothing of the host is below this folder.
  if [ "$keep" = yes ]; then say "kept: $work"; else rm -rf --one-file-system "$work"; fi
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The apt sources of the host, in either format; keys that they name come along in the same way.
sources=()
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
  if [ -s "$file" ]; then sources+=("$file"); fi
done
if [ ${#sources[@]} -eq 0 ]; then say "this host has no apt sources"; exit 1; fi
say "building from ${#sources[@]} source file(s) of this host"
mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$root" "${sources[@]}"

# How this host reaches its mirror and its registry, without writing it down anywhere in the project.
for file in /etc/apt/apt.conf /etc/apt/apt.conf.d /etc/apt/auth.conf /etc/apt/auth.conf.d; do
  if [ -e "$file" ]; then cp -aT "$file" "$root$file"; fi
done
cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
cp -L /etc/hosts "$root/etc/hosts" 2>/dev/null || true
mkdir -p "$root/usr/local/share/ca-certificates"
cp -L /usr/local/share/ca-certificates/* "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
chroot "$root" update-ca-certificates >/dev/null 2>&1 || true
for file in "$(npm config get userconfig --loglevel=error)" "$(npm config get globalconfig --loglevel=error)"; do
  if [ -s "$file" ]; then cat "$file" >>"$root/root/.npmrc"; fi
done

node=$(readlink -f "$(command -v node)")
npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
install -D "$node" "$root/usr/local/bin/node"
mkdir -p "$root/usr/local/lib/node_modules"
cp -a "$npm" "$root/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
git clone --quiet --no-hardlinks "$project" "$root/srv/unlockd"
rm -rf "$root/srv/unlockd/.git/hooks"
say "root is ready: $(du -sh --one-file-system "$root" | cut -f1), Node $("$node" --version)"

# Settings of npm and of proxies and certificates pass; nothing else of this environment does.
environment=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 npm_config_loglevel=error)
while IFS='=' read -r -d '' name value; do
  case "${name,,}" in
    npm_config_userconfig | npm_config_globalconfig | npm_config_prefix | npm_config_cache | npm_config_loglevel | npm_config_local_prefix | npm_config_nodedir | npm_config_node_gyp | npm_config_global_prefix | npm_config_init_module) ;;
    npm_config_* | http_proxy | https_proxy | no_proxy | all_proxy) environment+=("$name=$value") ;;
    node_extra_ca_certs | ssl_cert_file)
      if [ -s "$value" ]; then
        install -D -m 644 "$value" "$root/etc/ssl/host/$(basename "$value")"
        environment+=("$name=/etc/ssl/host/$(basename "$value")")
      fi
      ;;
  esac
done < <(env -0)

# Mounts live and die with the namespace; PID 1 in it is our shell, so whatever was started ends with it.
inside='
set -e
# The root of a machine is a mount of its own, and so is this one: what makes mount namespaces in it counts on that.
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount --rbind /sys "$1/sys"
mount -t tmpfs -o mode=755 tmpfs "$1/dev"
for node in null zero full random urandom tty; do touch "$1/dev/$node"; mount --bind "/dev/$node" "$1/dev/$node"; done
mkdir "$1/dev/pts" "$1/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/dev/pts"
ln -s pts/ptmx "$1/dev/ptmx"
ln -s /proc/self/fd "$1/dev/fd"; ln -s fd/0 "$1/dev/stdin"; ln -s fd/1 "$1/dev/stdout"; ln -s fd/2 "$1/dev/stderr"
mount -t tmpfs tmpfs "$1/dev/shm"
mount -t tmpfs tmpfs "$1/run"
# Not chroot: what enters a mount namespace again (nsenter) would be in the root of this host, and write there.
mkdir "$1/host"
cd "$1"
pivot_root . host
cd /
umount --lazy /host
rmdir /host
exec /bin/bash -c "umask 022; cd /srv/unlockd && npm ci && npm run $2"
'
for command in "$@"; do
  say "npm ci && npm run $command"
  started=$SECONDS
  if unshare --mount --pid --fork --kill-child --propagation private \
    env -i "${environment[@]}" bash -c "$inside" bash "$root" "$command" </dev/null; then
    say "npm run $command: ok after $((SECONDS - started)) s"
  else
    say "npm run $command: FAILED after $((SECONDS - started)) s"
    exit 1
  fi
done
say "all ok"
