#!/bin/sh
# Has the parts of a sweep made by each way of examples/shards, and compares the numbers, all
# but times, with those of one command: GNU parallel, ssh to a server of its own on the
# loopback interface, and the command of the Kubernetes manifest, which is also held against
# the published schema. What the machine lacks is told and skipped, or with
# SHARDS_TEST=required is an error. PYTHON has kubernetes-validate and yaml.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d) server=
trap 'test -z "$server" || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
go build -o "$work/bin/dgn" ./cmd/dgn
PATH=$work/bin:$PATH examples=$PWD/examples/shards python=${PYTHON:-python3}
export PATH
cd "$work"

lacks() {
	echo "shards: $1 is not here: $2 skipped" >&2
	test "${SHARDS_TEST:-}" != required
}

# same DIR: every number of the runs but times is that of the folder whole, and each run was
# made once.
same() {
	dgn status "$1" | tail -n 1
	for folder in whole "$1"; do
		(cd "$folder/runs" && for file in $(find . -name metrics.csv | sort); do
			echo "$file"
			awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i ~ /seconds/) skip[i] = 1 }
				{ for (i = 1; i <= NF; i++) if (!(i in skip)) printf "%s,", $i; print "" }' "$file"
			sha256sum "$(dirname "$file")/params.npz"
		done) >"$work/numbers.$folder"
	done
	cmp "$work/numbers.whole" "$work/numbers.$1"
	test ! -e "$1/old"
	echo "shards: $1: the same bits as by one command"
}

"$python" -c 'import yaml' 2>/dev/null || { lacks "the Python module yaml" "everything"; exit 0; }
"$python" - "$examples/job.yaml" <<'END'
import sys, yaml
config, job = yaml.safe_load_all(open(sys.argv[1]))
open("sweep.yaml", "w").write(config["data"]["sweep.yaml"])
open("completions", "w").write(str(job["spec"]["completions"]))
pod = job["spec"]["template"]["spec"]["containers"][0]
open("command.sh", "w").write(" ".join(pod["args"]))
END
cp sweep.yaml "it's a sweep.yaml" # and flags of many words, as the config has them
dgn sweep sweep.yaml --out whole --threads 1 --figures none --quiet >/dev/null

# The manifest: its command for each index, in the paths of this machine, and its schema.
sed -i "s|/config/|$work/|; s|/results/digits|$work/kubernetes|" command.sh
for i in $(seq 0 $(($(cat completions) - 1))); do
	JOB_COMPLETION_INDEX=$i CPUS=1 sh -c "$(cat command.sh)" >/dev/null 2>"log.$i" || { cat "log.$i"; exit 1; }
done
same kubernetes
if "$python" -c 'import kubernetes_validate' 2>/dev/null; then
	"$python" -m kubernetes_validate --strict -k 1.33 "$examples/job.yaml"
	sed 's/completionMode/completionsMode/' "$examples/job.yaml" >wrong.yaml
	if "$python" -m kubernetes_validate --strict -k 1.33 wrong.yaml >/dev/null 2>&1; then
		echo "shards: the schema lets a wrong key through" >&2
		exit 1
	fi
else
	lacks kubernetes-validate "the schema of the manifest"
fi

if command -v parallel >/dev/null; then
	"$examples/parallel.sh" "it's a sweep.yaml" 5 2 --out parallel --quiet --set 'loss={kind: logistic}' >/dev/null
	same parallel
else
	lacks "GNU parallel" "its example"
fi

sshd=$(command -v sshd || command -v /usr/sbin/sshd || true)
if [ -n "$sshd" ] && command -v ssh >/dev/null; then
	ssh-keygen -q -t ed25519 -N '' -f host
	ssh-keygen -q -t ed25519 -N '' -f user
	port=$((20000 + $$ % 20000))
	test "$(id -u)" != 0 || mkdir -p /run/sshd
	"$sshd" -D -e -f /dev/null -p "$port" -h "$work/host" -o ListenAddress=127.0.0.1 -o PidFile=none -o StrictModes=no \
		-o AuthorizedKeysFile="$work/user.pub" -o PasswordAuthentication=no -o SetEnv="PATH=$PATH" 2>sshd.log &
	server=$!
	SSH="ssh -q -F /dev/null -i $work/user -p $port -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes"
	export SSH
	for _ in $(seq 50); do $SSH 127.0.0.1 true 2>/dev/null && break; sleep 0.1; done
	"$examples/ssh.sh" "it's a sweep.yaml" "127.0.0.1 localhost 127.0.0.1" --out ssh --threads 1 --quiet --set 'loss={kind: logistic}' >/dev/null || { cat sshd.log; exit 1; }
	same ssh
else
	lacks sshd "the example of ssh"
fi
