#!/usr/bin/env bash
# Two DocumentDB servers, a source and a target, for tests and rehearsals: PostgreSQL 18 with the
# documentdb extension in a Debian directory of its own, and FerretDB 2 as the gateway of each.
# Nothing is installed on the machine itself except debootstrap, and nothing stays mounted.
set -euo pipefail

readonly FERRETDB_VERSION=v2.7.0
readonly SUITE=forky
readonly SUITE_SCRIPT=/usr/share/debootstrap/scripts/sid
readonly POSTGRES_BIN=/usr/lib/postgresql/18/bin
readonly SIDES="source target"
readonly EX_CANNOT_RUN=77 # automake's "skipped": this machine cannot run DocumentDB

usage() {
	cat <<'USAGE'
usage: documentdb.sh [options] COMMAND

commands:
  install            install PostgreSQL, documentdb and the gateway (some minutes, once; needs root on Debian)
  start              start a source and a target, or find them running; prints their variables
  stop               stop them and delete their data
  status             say whether they run; exit code 0 if both do
  env                print VIDA_TEST_SOURCE_URI=… and VIDA_TEST_TARGET_URI=… of the running pair
  exec -- COMMAND    start a pair of its own, run COMMAND with these variables, stop; exits as COMMAND does
  serve              start, print the variables, stop at the end of standard input or at a signal
  gateway SIDE PORT  one more gateway before the running source or target, in the foreground: one to be killed

options (and the variables they default to):
  --dir DIR          the installation            VIDA_DOCUMENTDB_DIR, else /opt/vida-documentdb
  --run DIR          ports, process ids, logs    VIDA_DOCUMENTDB_RUN, else /tmp/vida-documentdb
                     (one directory a pair: several pairs may run at once)
  --mirror URL       the Debian mirror           VIDA_DEBIAN_MIRROR, else the one of this machine
  --source-port N    port of the source          a free one
  --target-port N    port of the target          a free one
  --keep             stop and serve keep the data; the next start with the same --run finds it again

exit codes: 0 done, 1 failed, 2 usage, 77 this machine cannot run DocumentDB (not root, not Debian, …)
USAGE
}

say() { printf 'documentdb: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
cannot_run() { say "cannot run here: $*"; exit "$EX_CANNOT_RUN"; }

# --- installation -------------------------------------------------------------------------------

require_platform() {
	[ "$(uname -s)" = Linux ] || cannot_run "it needs Linux, this is $(uname -s)"
	[ "$(id -u)" = 0 ] || cannot_run "it needs root, for debootstrap and chroot; use \`sudo\`"
}

installed() { [ -x "$rootfs$POSTGRES_BIN/postgres" ] && [ -x "$ferretdb" ] && [ -d "$template" ]; }

require_installed() {
	require_platform
	installed || fail "not installed in $dir; run \`$0 install\` first"
}

require_debootstrap() {
	if ! command -v debootstrap >/dev/null; then
		command -v apt-get >/dev/null || cannot_run "debootstrap is missing and there is no apt-get to install it with"
		say "installing debootstrap"
		DEBIAN_FRONTEND=noninteractive apt-get install -y -q debootstrap >&2 ||
			{ apt-get update -q >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q debootstrap >&2; } ||
			cannot_run "debootstrap could not be installed"
	fi
	[ -e "$SUITE_SCRIPT" ] || cannot_run "debootstrap has no $SUITE_SCRIPT"
}

# debian_mirror prints the mirror asked for, else the first Debian archive this machine's apt uses.
debian_mirror() {
	if [ -n "$mirror" ]; then
		printf '%s\n' "$mirror"
		return
	fi
	local found
	found=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
		sed 's/#.*//' | grep -oE 'https?://[^] ]+/debian/?([[:space:]]|$)' | head -n 1 | tr -d '[:space:]' || true)
	[ -n "$found" ] || cannot_run "apt has no Debian mirror configured; name one with --mirror or VIDA_DEBIAN_MIRROR"
	printf '%s\n' "$found"
}

unmount_under() {
	local point
	awk -v under="$1/" 'index($2, under) == 1 { print $2 }' /proc/mounts | sort -r | while read -r point; do
		umount "$point" || umount -l "$point"
	done
}

install_rootfs() {
	[ -x "$rootfs$POSTGRES_BIN/postgres" ] && return
	require_debootstrap
	local partial=$rootfs.partial from
	from=$(debian_mirror)
	unmount_under "$partial" # what an interrupted attempt has left
	rm -rf --one-file-system "$partial"
	say "installing Debian $SUITE with postgresql-18-documentdb from $from into $rootfs (some minutes)"
	if ! debootstrap --variant=minbase --include=ca-certificates,postgresql-18-documentdb \
		"$SUITE" "$partial" "$from" "$SUITE_SCRIPT" >"$dir/debootstrap.log" 2>&1; then
		unmount_under "$partial"
		tail -n 15 "$dir/debootstrap.log" >&2
		fail "debootstrap failed; its whole log is $dir/debootstrap.log"
	fi
	unmount_under "$partial"
	rm -rf "$partial"/var/cache/apt/archives/*.deb "$partial"/var/lib/postgresql/18/main
	mkdir -p -m 1777 "$partial/dev/shm"
	[ -c "$partial/dev/null" ] || fail "$partial/dev/null is no device: the directory's file system or this container forbids devices"
	mv "$partial" "$rootfs"
}

install_gateway() {
	[ -x "$ferretdb" ] && return
	command -v go >/dev/null || fail "go is needed to build the gateway, and is not in PATH"
	say "building the gateway, FerretDB $FERRETDB_VERSION"
	GOBIN=$dir/bin GOFLAGS='' GOWORK=off go install "github.com/FerretDB/FerretDB/v2/cmd/ferretdb@$FERRETDB_VERSION" >&2
}

# make_template prepares a cluster with the extension once; each start copies it.
make_template() {
	[ -d "$template" ] && return
	say "preparing the database cluster"
	local partial=$template.partial port
	postgres_stop "$partial" || true
	rm -rf "$partial"
	install -d -m 0700 -o "$(in_rootfs id -u)" -g "$(in_rootfs id -g)" "$partial"
	in_rootfs "$POSTGRES_BIN/initdb" -D "$(inside "$partial")" -U postgres --auth=trust --no-sync \
		--encoding=UTF8 --locale=C.UTF-8 >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; fail "initdb failed"; }
	# A test engine: what a crash of the machine loses is of no interest, hence no fsync.
	cat >>"$partial/postgresql.conf" <<'CONF'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
shared_buffers = 256MB
max_wal_size = 4GB
fsync = off
full_page_writes = off
synchronous_commit = off
shared_preload_libraries = 'pg_cron,pg_documentdb_core,pg_documentdb'
cron.database_name = 'postgres'
CONF
	port=$(free_port)
	postgres_start "$partial" "$port"
	in_rootfs "$POSTGRES_BIN/psql" -q -X -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" -U postgres -d postgres \
		-c 'CREATE EXTENSION documentdb CASCADE' >&2 || { postgres_stop "$partial"; fail "CREATE EXTENSION documentdb failed"; }
	postgres_stop "$partial"
	rm -f "$partial/server.log"
	mv "$partial" "$template"
}

do_install() {
	require_platform
	mkdir -p "$dir/bin"
	exec 8>"$dir/.install.lock"
	flock 8
	install_rootfs
	install_gateway
	mkdir -p "$clusters"
	make_template
	# vida-sandbox --engine documentdb finds this script beside what it installed.
	[ "$0" -ef "$dir/documentdb.sh" ] || install -m 0755 "$0" "$dir/documentdb.sh"
	exec 8>&-
	say "installed in $dir"
}

# --- PostgreSQL ---------------------------------------------------------------------------------

in_rootfs() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/tmp PWD=/ \
		chroot --userspec=postgres:postgres "$rootfs" "$@" 7>&- 8>&- 9>&-
}

inside() { printf '%s\n' "${1#"$rootfs"}"; } # the path as seen in the chroot

command_of() { { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null; }

# postgres_pid prints the process id of the server on a data directory, if it truly runs.
postgres_pid() {
	local pid
	pid=$(head -n 1 "$1/postmaster.pid" 2>/dev/null) || return 1
	[ -n "$pid" ] && command_of "$pid" | grep -qF -- "-D $(inside "$1") " && printf '%s\n' "$pid"
}

postgres_start() {
	# A stale file whose process id another server has taken since would keep this one from starting.
	postgres_pid "$1" >/dev/null || rm -f "$1/postmaster.pid"
	in_rootfs "$POSTGRES_BIN/pg_ctl" start -w -t 60 -s -D "$(inside "$1")" -l "$(inside "$1")/server.log" -o "-p $2 -c max_connections=1000 -c documentdb.enableSchemaValidation=on" >&2 </dev/null || {
		tail -n 15 "$1/server.log" >&2 2>/dev/null || true
		return 1
	}
}

postgres_stop() {
	postgres_pid "$1" >/dev/null || return 0
	in_rootfs "$POSTGRES_BIN/pg_ctl" stop -w -t 60 -s -m fast -D "$(inside "$1")" >&2 </dev/null ||
		in_rootfs "$POSTGRES_BIN/pg_ctl" stop -w -t 30 -s -m immediate -D "$(inside "$1")" >&2 </dev/null
}

# --- the gateway --------------------------------------------------------------------------------

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port stays below the range from which outgoing connections are given their ports.
free_port() {
	local port
	for _ in $(seq 100); do
		port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
		if ! port_open "$port"; then
			printf '%s\n' "$port"
			return
		fi
	done
	fail "no free port between 20000 and 32000"
}

# listens tells whether the port is that very process's: where it is another's, this one is about to give up.
listens() { # process id, port
	local socket
	socket=$(awk -v at="0100007F:$(printf '%04X' "$2")" '$2 == at && $4 == "0A" { print "socket:[" $10 "]" }' /proc/net/tcp)
	[ -n "$socket" ] && readlink "/proc/$1/fd/"* 2>/dev/null | grep -qxF "$socket"
}

gateway_pid() {
	local pid port
	pid=$(cat "$run/$1.gateway.pid" 2>/dev/null) && port=$(cat "$run/$1.port" 2>/dev/null) || return 1
	command_of "$pid" | grep -qF -- "--listen-addr=127.0.0.1:$port " && printf '%s\n' "$pid"
}

gateway_start() { # side, port, PostgreSQL's port
	local side=$1 port=$2
	mkdir -p "$run/$side.gateway"
	printf '%s\n' "$port" >"$run/$side.port"
	DO_NOT_TRACK=1 setsid "$ferretdb" --listen-addr="127.0.0.1:$port" \
		--postgresql-url="postgres://postgres@127.0.0.1:$3/postgres" --no-auth --telemetry=disable \
		--debug-addr=- --state-dir="$run/$side.gateway" --log-level=WARN \
		</dev/null >"$run/$side.gateway.log" 2>&1 7>&- 8>&- 9>&- &
	printf '%s\n' "$!" >"$run/$side.gateway.pid"
	for _ in $(seq 300); do
		kill -0 "$!" 2>/dev/null || break
		if listens "$!" "$port"; then
			return
		fi
		sleep 0.1
	done
	tail -n 15 "$run/$side.gateway.log" >&2
	return 1
}

gateway_stop() {
	local pid
	pid=$(gateway_pid "$1") || return 0
	kill "$pid" 2>/dev/null || true
	for _ in $(seq 50); do
		kill -0 "$pid" 2>/dev/null || return 0
		sleep 0.1
	done
	kill -9 "$pid" 2>/dev/null || true
}

# --- the pair -----------------------------------------------------------------------------------

data_of() { printf '%s/%s-%s\n' "$clusters" "$(printf '%s' "$run" | cksum | tr ' ' -)" "$1"; }

running() {
	local side
	for side in $SIDES; do
		postgres_pid "$(data_of "$side")" >/dev/null && gateway_pid "$side" >/dev/null || return 1
	done
}

lock_run() {
	mkdir -p "$run"
	run=$(cd "$run" && pwd -P)
	exec 9>"$run/.lock"
	flock -w 180 9 || fail "another documentdb.sh is at work in $run"
}
unlock_run() { exec 9>&-; }

start_side() { # side, port asked for
	local side=$1 port=$2 data pgport attempt
	data=$(data_of "$side")
	if [ ! -d "$data" ]; then
		rm -rf "$data.partial"
		cp -a --reflink=auto "$template" "$data.partial"
		mv "$data.partial" "$data"
	fi
	# A port that was free may be taken a moment later; another is tried unless it was asked for.
	for attempt in 1 2 3; do
		pgport=$(free_port)
		if postgres_start "$data" "$pgport"; then break; fi
		[ "$attempt" -lt 3 ] || return 1
	done
	for attempt in 1 2 3; do
		if gateway_start "$side" "${port:-$(free_port)}" "$pgport"; then return; fi
		[ "$attempt" -lt 3 ] && [ -z "$port" ] || return 1
	done
}

start_pair() {
	local side started=''
	lock_run
	if ! running; then
		stop_servers # half a pair is none
		start_side source "$source_port" 7>&- &
		local first=$!
		start_side target "$target_port" || started=no
		wait "$first" || started=no
		if [ -n "$started" ]; then
			stop_servers
			fail "the servers did not start; logs are in $run and $clusters"
		fi
	fi
	unlock_run
}

stop_servers() {
	local side
	for side in $SIDES; do
		gateway_stop "$side"
		postgres_stop "$(data_of "$side")" || say "PostgreSQL of the $side did not stop"
	done
}

stop_pair() {
	local side
	[ -d "$run" ] || return 0
	lock_run
	stop_servers
	for side in $SIDES; do
		rm -rf "$run/$side".*
		[ -n "$keep" ] || rm -rf "$(data_of "$side")"
	done
	unlock_run
	[ -n "$keep" ] || { rm -f "$run/.lock" && rmdir "$run" 2>/dev/null; } || true
}

print_env() {
	printf 'VIDA_TEST_SOURCE_URI=mongodb://127.0.0.1:%s/\n' "$(cat "$run/source.port")"
	printf 'VIDA_TEST_TARGET_URI=mongodb://127.0.0.1:%s/\n' "$(cat "$run/target.port")"
}

do_env() {
	running || fail "not running (in $run); run \`$0 start\`"
	print_env
}

do_gateway() { # side, port
	[ $# = 2 ] && [ -f "$run/$1.port" ] || { say "gateway needs a side that runs (source or target) and a port"; exit 2; }
	local pgport state
	pgport=$(sed -n 4p "$(data_of "$1")/postmaster.pid")
	state=$run/$1.gateway-$2
	mkdir -p "$state"
	DO_NOT_TRACK=1 exec "$ferretdb" --listen-addr="127.0.0.1:$2" \
		--postgresql-url="postgres://postgres@127.0.0.1:$pgport/postgres" --no-auth --telemetry=disable \
		--debug-addr=- --state-dir="$state" --log-level=ERROR
}

do_exec() {
	[ $# -gt 0 ] || { usage >&2; exit 2; }
	require_installed
	run=$(mktemp -d "${TMPDIR:-/tmp}/vida-documentdb-XXXXXX")
	keep=''
	trap stop_pair EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	start_pair
	local code=0 child
	# In the background, so that a signal is acted on at once; standard input is handed on, and the
	# signals that a shell makes its background commands ignore are theirs again.
	# shellcheck disable=SC2046 # two words
	env --default-signal=INT,QUIT VIDA_DOCUMENTDB_RUN="$run" $(print_env) "$@" <&0 &
	child=$!
	trap 'kill -TERM "$child" 2>/dev/null || true' TERM HUP
	trap : INT # a terminal sends it to the command as well, whose answer it is
	wait "$child" || code=$?
	while kill -0 "$child" 2>/dev/null; do # a signal ended the wait, not the command
		code=0
		wait "$child" || code=$?
	done
	exit "$code"
}

do_serve() {
	require_installed
	trap stop_pair EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	start_pair
	print_env
	# In the background, so that a signal is acted on at once; where standard input is not named, a shell
	# gives its background commands an empty one, whose end comes at once.
	cat >/dev/null <&0 &
	wait $!
}

# --- arguments ----------------------------------------------------------------------------------

dir=${VIDA_DOCUMENTDB_DIR:-/opt/vida-documentdb}
run=${VIDA_DOCUMENTDB_RUN:-${TMPDIR:-/tmp}/vida-documentdb}
mirror=${VIDA_DEBIAN_MIRROR:-}
source_port='' target_port='' keep='' command=''

while [ $# -gt 0 ]; do
	case $1 in
	--dir | --run | --mirror | --source-port | --target-port)
		[ $# -ge 2 ] || { say "$1 needs a value"; exit 2; }
		name=${1#--}
		printf -v "${name//-/_}" '%s' "$2"
		shift
		;;
	--keep) keep=yes ;;
	-h | --help) usage; exit 0 ;;
	--) shift; break ;;
	-*) say "unknown option $1"; usage >&2; exit 2 ;;
	*)
		[ "$command" != gateway ] || break
		[ -z "$command" ] || { say "unexpected argument $1"; usage >&2; exit 2; }
		command=$1
		;;
	esac
	shift
done

mkdir -p "$(dirname "$run")"
run=$(cd "$(dirname "$run")" && pwd -P)/$(basename "$run")
readonly dir mirror source_port target_port command
readonly rootfs=$dir/rootfs ferretdb=$dir/bin/ferretdb
readonly clusters=$rootfs/var/lib/vida
readonly template=$clusters/template

case $command in
install) do_install ;;
start) require_installed; start_pair; print_env ;;
stop) require_platform; stop_pair ;;
status) running && say "running (in $run)" || fail "not running (in $run)" ;;
env) do_env ;;
exec) do_exec "$@" ;;
gateway) do_gateway "$@" ;;
serve) do_serve ;;
'') usage >&2; exit 2 ;;
*) say "unknown command $command"; usage >&2; exit 2 ;;
esac
