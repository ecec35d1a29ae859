"""mini-kubectl and the real kubectl 1.36: the same text, streams and exit codes.

Each line is typed to both. Lines of one script run in order, and `{me}` is a name that
the client has for itself, so that both can make and delete.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.agreement import Outcome, Pair, difference, normal
from tests.support.background import Background
from tests.support.kubectls import kubectls
from tests.support.terminal import Terminal

_NAMESPACE = "agreement"
_SLEEP = ["sleep", "100000"]
_STAGE = {
    "one": {"containers": [{"name": "c", "image": "busybox", "command": _SLEEP}]},
    "two": {
        "containers": [
            {
                "name": "a",
                "image": "busybox",
                "command": [
                    "sh",
                    "-c",
                    "echo here > here; seq 1 30; echo oops >&2; sleep 100000",
                ],
                "env": [{"name": "COLOUR", "value": "blue"}],
                "ports": [{"containerPort": 8080, "name": "web"}],
            },
            {"name": "b", "image": "busybox", "command": _SLEEP},
        ],
    },
    "over": {
        "containers": [
            {
                "name": "c",
                "image": "busybox",
                "command": ["sh", "-c", "echo first; echo last; exit 3"],
            }
        ],
        "restartPolicy": "Never",
    },
    "unbound": {
        "containers": [{"name": "c", "image": "busybox"}],
        "nodeSelector": {"no": "node"},
    },
}


def _pod(name, spec):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name, "tier": "stage"}},
        "spec": {"terminationGracePeriodSeconds": 1, **spec},
    }


@pytest.fixture(scope="module")
def stage(cluster):
    """A namespace with pods to look at, which no test changes."""
    path = f"/api/v1/namespaces/{_NAMESPACE}/pods"
    cluster.api.create(
        "/api/v1/namespaces",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}},
    )
    for name, spec in _STAGE.items():
        cluster.api.create(path, _pod(name, spec))
    settled = {
        "one": lambda pod: pod["status"].get("phase") == "Running",
        "two": lambda pod: pod["status"].get("phase") == "Running",
        "over": lambda pod: pod["status"].get("phase") == "Failed",
        "unbound": lambda pod: "conditions" in pod["status"],
    }
    for name, holds in settled.items():
        for pod in cluster.api.states(path, name):
            if pod is not None and holds(pod):
                break
    return _NAMESPACE


@pytest.fixture(scope="module")
def pair(cluster, stage, tmp_path_factory):
    """Both clients, which look at the stage unless told otherwise."""
    found = kubectls("1.36")
    if not found:
        pytest.skip("kubectl 1.36: not in the cloud SDK, on PyPI or on npm")
    folder = tmp_path_factory.mktemp("agreement")
    config = json.loads(cluster.kubeconfig.read_bytes())
    config["contexts"][0]["context"]["namespace"] = stage
    kubeconfig = folder / "config"
    kubeconfig.write_text(json.dumps(config))
    pair = Pair({**cluster.env, "KUBECONFIG": str(kubeconfig)}, folder, found[0].path)
    for name, text in _FILES.items():
        pair.write(name, text)
    return pair


_FILES = {
    "pod.yaml": """\
apiVersion: v1
kind: Pod
metadata:
  name: pod-{me}
  labels: {app: "{me}"}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: c
    image: busybox
    command: [sleep, "100000"]
""",
    "map.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: map-{me}
data:
  colour: red
""",
    "map-blue.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: map-{me}
data:
  colour: blue
""",
    "several.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: several-{me}
---
apiVersion: v1
kind: Secret
metadata:
  name: several-{me}
stringData:
  word: hush
""",
    "deployment.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: "deploy-{me}", labels: {app: "{me}"}}
spec:
  replicas: 0
  selector: {matchLabels: {app: "deploy-{me}"}}
  template:
    metadata: {labels: {app: "deploy-{me}"}}
    spec:
      containers: [{name: c, image: busybox, ports: [{containerPort: 80}]}]
""",
    "several-new.yaml": (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: 'several-{me}'}\n"
        "stringData: {word: quiet, more: yes it is}\n"
    ),
    "broken.yaml": "apiVersion: v1\nkind: [\n",
    "broken.json": '{"apiVersion": "v1", "kind": ',
    "nameless.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n",
    "kindless.yaml": "apiVersion: v1\nmetadata: {name: x}\n",
    "unknown-kind.yaml": "apiVersion: v1\nkind: Gizmo\nmetadata: {name: x}\n",
    "unknown-field.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ncolour: red\n"
    ),
    "invalid-pod.yaml": (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: Bad_Name}\n"
        "spec: {containers: [{name: c}]}\n"
    ),
    "empty.yaml": "",
    "junk.json": '{"apiVersion":"v1" "kind":"ConfigMap"}',
    "json-then-junk.json": (
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}}'
    ),
    "yaml-in-json.json": "{'a': 1,}",
    "two-of-a-key.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
        'data: {colour: "red", colour: "blue"}\n'
    ),
    "alias.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: *x}\n",
    "comment-separator.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n--- # more\n"
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: z}\n"
    ),
    "bool-name.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yes}\n",
    "bad-separator.yaml": "a: b\n--- c: d\n",
    "good-and-bad.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "first-{me}"}
---
apiVersion: v1
kind: Gizmo
metadata: {name: x}
---
kind: ConfigMap
metadata: {name: yes}
---
just text
---
apiVersion: v1
kind: ConfigMap
metadata: {name: "second-{me}"}
---
[a
---
apiVersion: v1
kind: ConfigMap
metadata: {name: "third-{me}"}
""",
}

LOOKS = """
version
version -o json
get pods
get pods -o wide
get pods -o name
get pods -o json
get pods -o yaml
get pod one
get pod one two
get pod/one -o yaml
get pod one -o json
get pod one -o jsonpath={.spec.containers[*].name}
get pods -o jsonpath={range.items[*]}{.metadata.name}{"\\n"}{end}
get pods -o custom-columns=NAME:.metadata.name,PHASE:.status.phase
get pods --no-headers
get pods --show-labels
get pods -L app,tier
get pods -l app=one
get pods -l app!=one
get pods -l 'app in (one, two)' -o name
get pods --field-selector=status.phase=Running
get pods --sort-by=.metadata.name
get pods -A -l tier=stage
get po,cm
get pods,nodes -o name
get all
get nodes
get nodes -o wide
get ns default
get namespaces agreement -o json
get pods -n no-such-namespace
get pods -l app=nothing
get configmaps -n default -l no=thing
get pods one unbound
get pod/unbound svc/missing pod/one cm/kube-root-ca.crt pod/two
get pod/one cm/kube-root-ca.crt pod/two --no-headers
get pod missing
get pod missing --ignore-not-found
get pod one missing
get gizmos
get pods/one two
get pods one -l app=one
get pod one -o nonsense
get pods -o jsonpath={.items[
get pods -o custom-columns=A:.a[
get pods --sort-by=.no.such
get pods --sort-by=.no.such -o name
get pods --sort-by='.metadata['
get pods --sort-by=.spec.containers
get pods --template={{.kind}}
get pods --chunk-size=1
get pods,cm --show-kind --no-headers
get pods -l a=b=c -o name
get pods one -w --request-timeout=1s
get pods -f pod.yaml one
get
get pods --no-such-flag
get pods -l a=b=c
get pods --field-selector=no.such=x
get events -n no-such-namespace
describe pod one
describe pod two
describe pod over
describe pod unbound
describe pod missing
describe pod one missing
describe pv
describe pods -l app=one
describe node
describe node missing
describe svc kubernetes -n default
describe ns agreement
describe sa default
describe
logs two -c a
logs two
logs two -c a --tail=3
logs two -c a --tail=0
logs two -c a --since=1h
logs two -c a --since=0s
logs two -c a --since-time=2020-01-01T00:00:00Z
logs two -c a --since=1h --since-time=2020-01-01T00:00:00Z
logs two -c a --timestamps --tail=2
logs two -c a --limit-bytes=7
logs two --all-containers
logs two --all-containers --prefix
logs -l app=two --all-containers
logs over
logs -f over
logs pod/over --tail=1
logs over -p
logs two -c missing
logs missing
logs unbound
logs -l app=nothing
logs -l app=a=b=c
logs -l app=two one
logs -l tier=stage -f --max-log-requests=1
logs -l app=over -f --prefix --timestamps --tail=1
logs over --all-containers -f --prefix
logs two --all-containers -c a
logs two --insecure-skip-tls-verify-backend
logs deploy/missing
logs node/missing
logs ns/agreement
logs ''
logs over --since-time=2020-01-01
logs two a b
logs two a -c b
logs unbound --ignore-errors
logs two -c a --limit-bytes=0
logs two -c a --limit-bytes=-1
logs
logs two -c a --tail=-5
logs two -c a --since=nonsense
exec one -- true
exec one -- false
exec one -- sh -c 'exit 42'
exec one -- sh -c 'kill -KILL $$'
exec one -- sh -c 'kill -TERM $$'
exec one -- sh -c 'echo out; echo err >&2'
exec one -- echo 'a  b' '$HOME' '*' "'" '"' --help
exec one -- no-such-command
exec one -- /etc/passwd
exec one -- /etc
exec one -- /no/such/file
exec one -- seq 1 100000
exec one -- printf abc
exec one -- printf 'h\u00e9llo \u2603'
exec pod/one -- hostname
exec pods/one -- hostname
exec one -c c -- hostname
exec two -- true
exec two -q -- true
exec two -c b -- true
exec two -c missing -- true
exec missing -- true
exec missing -c c -- true
exec over -- true
exec -n no-such-namespace one -- true
exec no/such/form -- true
exec gizmo/one -- true
exec deploy/missing -- true
exec -f pod.yaml one -- true
exec one
exec one --
exec
exec one true
exec one --pod-running-timeout=1s -- true
exec one --pod-running-timeout=0s -- true
exec one --pod-running-timeout=nonsense -- true
exec -t one -- echo no-terminal
exec one --no-such-flag -- true
exec -f pod.yaml -- true
exec -c c -i one -- cat
port-forward
port-forward one
port-forward missing 80
port-forward unbound 80
port-forward over 80
port-forward one abc
port-forward one 80:abc
port-forward one 99999
port-forward one 0
port-forward two :nope
port-forward svc/missing 80
port-forward deploy/missing 80
port-forward gizmo/x 80
port-forward configmap/kube-root-ca.crt 80
port-forward one :80 --address=nonsense
port-forward one :80 --address=192.0.2.1
port-forward one :80 --pod-running-timeout=0s
certificate approve nope
cluster-info dump --namespaces=agreement -o jsonpath={.kind}{"\\n"}
proxy --port=99999
proxy --port=1 --unix-socket=x
cp
cp a b
cp one:/etc/x one:/y
cp missing:/etc/hosts x
cp nosuchfile one:/tmp/x
cp one: x
cp pod.yaml over:/x
cp over:/x y
cp pod.yaml one:/no/such/folder/x
cp pod.yaml one:/etc/hosts/x
cp -c nope pod.yaml one:x
cp a/b/c:/x y
cp two:here copied
cp -c a two:here copied
cp -c a two:here pod.yaml/below/a/file
cp -c a --retries=-1 two:here copied
cp pod.yaml one:copied-{me} --no-preserve
cp --retries=nonsense a b
debug
debug one
debug one nosuch
debug missing --image=busybox
debug deploy/missing --image=busybox
debug cm/kube-root-ca.crt --image=busybox
debug node/missing --image=busybox
debug one --image=UPPER:
debug one --image=busybox -t
debug one --image=busybox --profile=nonsense
debug one --image=busybox --custom=missing
debug one --image=busybox --custom=broken.json
debug one --image=busybox --env=A
debug one --image=busybox --target=c --copy-to=x
debug one --image=busybox --target=missing -c debug-{me}
debug one --image=busybox --set-image=a=b
debug one --image=busybox --replace
debug one --image=busybox --same-node
debug one --image=busybox --image-pull-policy=x
debug one --attach
debug one --copy-to=x
debug one --copy-to=x -- sh
debug one --copy-to=x --set-image=a=B:
debug -f missing.yaml --image=busybox
explain
explain pods
explain pods.spec
explain pod.spec.containers
explain pod.spec.nonsense
explain po.spec.containers.imagePullPolicy
explain nonsense
explain a b
explain deployments --recursive
explain deploy.spec --api-version=apps/v1
explain deploy --api-version=apps/v9
explain deploy --api-version=a/b/c
explain events.events.k8s.io
explain pods -o nonsense
explain pods['spec']
explain pods.spec[0]
explain .pods
rollout status
rollout status cm/kube-root-ca.crt
rollout status deploy/missing
rollout history cm/kube-root-ca.crt
rollout restart pod/one
rollout restart deploy -l app=none
scale
scale pod/one --replicas=1
scale pod/one --replicas=-1
set image cm/kube-root-ca.crt c=x
set image pod/one c=x --dry-run=client
expose cm/kube-root-ca.crt --port=1
expose pod/one
expose pod/one --port=x
expose pod/two --dry-run=client -o yaml
cordon missing
drain
attach missing
attach over
attach two -c missing
attach one --pod-running-timeout=nonsense
attach
run
run x
run Bad_Name --image=busybox
run x --image=
run x --image=busybox --dry-run=client -o yaml
run x --image=busybox --dry-run=server -o name
run x --image=busybox --dry-run=nonsense
run x --image=busybox --restart=nonsense
run x --image=busybox --rm
run x --image=busybox --env=A=1 --labels=a=b,c=d --port=80 --dry-run=client -o json
run x --image=busybox --dry-run=client -o yaml -- sh -c 'exit 1'
run x --image=busybox --dry-run=client -o yaml --command -- sh -c 'exit 1'
run one --image=busybox
create
create job j --image=busybox --dry-run=client -o json -- a b
create job
create cronjob c --image=busybox --schedule=* --dry-run=client -o json -- a
create cronjob c --schedule=x
create service clusterip s --tcp=80:8080 --tcp=90 --dry-run=client -o json
create service clusterip s
create service clusterip s --tcp=x
create service nodeport s --tcp=80 --node-port=30001 --dry-run=client -o json
create service externalname s --external-name=x.com --dry-run=client -o json
create service externalname s
create service nope x
create role r --verb=get,list --resource=pods,deploy/scale,deployments.apps --resource-name=a --dry-run=client -o json
create role r --verb=get
create role r --verb=get --resource=gizmos
create clusterrole r --verb=get --non-resource-url=/x --dry-run=client -o json
create clusterrole r --verb=get --resource=nodes --dry-run=client -o yaml
create clusterrole r --verb=get
create rolebinding b --role=r --user=a --group=g --serviceaccount=stage:default --dry-run=client -o json
create rolebinding b --user=a
create rolebinding b --role=r --serviceaccount=x
create clusterrolebinding b --clusterrole=r --user=a,b --dry-run=client -o json
create clusterrolebinding b
create sa default
create token missing
create token default --duration=10m -o jsonpath={.spec}
create job j --from=cronjob/missing
create -f missing.yaml
create -f broken.yaml
create -f broken.json
create -f json-then-junk.json --dry-run=client
create -f junk.json
create -f yaml-in-json.json
create -f two-of-a-key.yaml --dry-run=client -o yaml
create -f alias.yaml
create -f comment-separator.yaml --dry-run=client
create -f bad-separator.yaml
create -f bool-name.yaml
create -f junk.json -f comment-separator.yaml --dry-run=client
create -f junk.json -f missing.yaml
create -f empty.yaml
create -f nameless.yaml
create -f kindless.yaml
create -f unknown-kind.yaml --validate=false
create -f unknown-field.yaml
create -f unknown-field.yaml --validate=false --dry-run=server
create -f unknown-field.yaml --validate=warn --dry-run=server
create -f invalid-pod.yaml
create -f map.yaml --dry-run=client -o yaml
create -f map.yaml --dry-run=server
create -f map.yaml --validate=nonsense
apply
replace
get pod one --subresource=nope
scale deploy web --replicas=1 -f map.yaml
replace -f map.yaml
replace -f map.yaml --timeout=1s
replace -f map.yaml --force --dry-run=server
replace -f invalid-pod.yaml
diff
diff -f map.yaml x
get pods -o JSON -l app=one
apply -f missing.yaml
apply -f broken.yaml
apply -f broken.json
apply -f empty.yaml
apply -f nameless.yaml
apply -f invalid-pod.yaml
apply -f unknown-field.yaml
apply -f map.yaml --dry-run=client
apply -f map.yaml --dry-run=server
delete
delete --all
delete -f junk.json
delete pods -l a=b=c
patch pod one -p '{"metadata":'
patch pod one -p nonsense
patch pod one -p {} --dry-run=client
patch pod one -p {} --local
patch -f map.yaml -p '{"data":{"a":"b"}}' --local -o yaml
describe -f junk.json
get -f junk.json -f alias.yaml
label pods -l a=b=c a=b
wait --for=delete -f junk.json
wait --for=create pod/one pod/missing --timeout=0
wait --for=create --for=jsonpath={.spec.nodeName} pod/one pod/two
events --for nonsense
events --for pod/over -o json
version --context=missing
delete pod
delete pod missing
delete pod missing --ignore-not-found
delete pods -l app=nothing
delete pod one --dry-run=client
delete pod one --dry-run=server
delete -f missing.yaml
delete gizmo x
delete pod one --all
delete pod one --grace-period=nonsense
delete pods --all -l app=one
delete pod one --now --force
describe pod/one pod/missing
config current-context
config view
config view --minify
config view --raw
config view -o json
config view -o jsonpath={.current-context}
config view --minify --flatten
config use-context missing
events -n no-such-namespace -o json
top pods
auth can-i nonsense nodes
auth can-i nonsense /x
auth can-i get clusterroles
--context=missing get pods
--cluster=missing get pods
--user=missing get pods
--kubeconfig=missing get pods
--request-timeout=nonsense get pods
--request-timeout=5 get pod one
--request-timeout=90s get pod one
delete pod ''
delete pod ..
get pod ''
get pod %2e
exec 'a b' -- true
exec 'one?x' -- true
exec .. -- true
logs 'a b'
--as=nobody get pods
--as=nobody exec one -- true
--as=nobody delete pod one
--token=nonsense get pods
nonsense
__completeNoDesc get pods one t
__completeNoDesc port-forward two ''
__completeNoDesc get -n agree
get pods one two -w
"""

SCRIPTS = {
    "create and delete": """
        create -f pod.yaml
        create -f pod.yaml
        wait --for=condition=Ready pod/pod-{me}
        get -f pod.yaml -o name
        delete -f pod.yaml
        delete -f pod.yaml
        get -f pod.yaml
    """,
    "delete at once": """
        create -f pod.yaml
        delete pod pod-{me} --now
        create -f pod.yaml
        delete pod pod-{me} --force
        create -f pod.yaml
        delete pod/pod-{me} --grace-period=1 --wait=false
        wait --for=delete pod/pod-{me}
    """,
    "delete by label": """
        create -f pod.yaml
        delete pods -l app={me}
        delete pods -l app={me}
    """,
    "apply": """
        apply -f map.yaml
        apply -f map.yaml
        apply -f map-blue.yaml
        get configmap map-{me} -o jsonpath={.data.colour}
        get configmap map-{me} -o yaml
        apply -f map.yaml --dry-run=server
        delete -f map.yaml
    """,
    "several objects, some of them bad": """
        create -f good-and-bad.yaml --validate=false
        create -f good-and-bad.yaml --validate=false
        apply -f good-and-bad.yaml
        get -f good-and-bad.yaml
        label -f good-and-bad.yaml a=b
        patch -f good-and-bad.yaml -p '{"data":{"a":"b"}}'
        delete -f good-and-bad.yaml
        delete -f good-and-bad.yaml
    """,
    "replace, and see what would change": """
        diff -f map.yaml
        apply -f map.yaml
        diff -f map.yaml
        diff -f map-blue.yaml
        replace -f map-blue.yaml
        replace -f map.yaml --dry-run=server
        get cm map-{me} -o yaml
        replace -f map.yaml --force
        delete -f map.yaml
        replace -f map.yaml --force
        delete -f map.yaml
    """,
    "a secret that would change": """
        apply -f several.yaml
        diff -f several.yaml
        diff -f several-new.yaml
        delete -f several.yaml
    """,
    "apply what was created": """
        create -f map.yaml
        apply -f map-blue.yaml
        delete -f map.yaml
    """,
    "apply on the server's side": """
        apply --server-side -f map.yaml
        apply --server-side -f map.yaml --field-manager=other
        apply --server-side -f map-blue.yaml --field-manager=other
        apply --server-side -f map-blue.yaml --field-manager=other --force-conflicts
        delete -f map.yaml
    """,
    "several objects in a file": """
        apply -f several.yaml
        get -f several.yaml
        get secret several-{me} -o jsonpath={.data.word}
        create -f several.yaml
        delete -f several.yaml
    """,
    "run and look": """
        run run-{me} --image=busybox --labels=app=run-{me} -- sleep 100000
        wait --for=condition=Ready pod/run-{me}
        get pods -l app=run-{me}
        exec run-{me} -- hostname
        run run-{me} --image=busybox
        delete pod run-{me} --now
    """,
    "run to the end": """
        run run-{me} --image=busybox --restart=Never -i --rm -- sh -c 'sleep 0.5; exit 3'
        run run-{me} --image=busybox --restart=Never -i --rm -q -- cat
        get pod run-{me}
    """,
    "debug in the pod": """
        create -f pod.yaml
        wait --for=condition=Ready pod/pod-{me}
        debug pod-{me} --image=busybox -c first --target=c --env=A=1 -- sh -c 'echo $A; sleep 10000'
        debug pod-{me} --image=busybox -c second --attach -q -- sh -c 'sleep 0.5; echo hello'
        debug pod-{me} --image=busybox -c third --profile=restricted --attach -- sh -c 'sleep 0.5; echo hello'
        debug pod-{me} --image=busybox -c fourth --profile=legacy --arguments-only -- sleep 1
        debug pod-{me} --image=busybox -c fifth --profile=sysadmin
        get pod pod-{me} -o jsonpath={.spec.ephemeralContainers}
        logs pod-{me} -c second
        delete pod pod-{me} --now
    """,
    "debug a node": """
        debug node/{node} --image=busybox -q --profile=restricted
        debug node/{node} --image=busybox --profile=sysadmin -- sleep 1000
        debug node/{node} --image=busybox -q --attach -- sh -c 'sleep 0.5; echo hello'
    """,
    "debug a copy": """
        create -f pod.yaml
        debug pod-{me} --copy-to=copy-{me} --image=busybox -c tool --keep-labels -- sleep 1000
        debug pod-{me} --copy-to=images-{me} --set-image=*=busybox:1
        debug pod-{me} --copy-to=changed-{me} -c c --profile=netadmin --same-node -- sleep 1000
        debug pod-{me} --copy-to=copy-{me} --image=busybox
        get pod copy-{me} images-{me} changed-{me} -o jsonpath={.items[*].spec.containers}
        get pod copy-{me} changed-{me} -o jsonpath={.items[*].metadata.labels}
        delete pod pod-{me} copy-{me} images-{me} changed-{me} --now
    """,
    "copies there and back": """
        cp pod.yaml one:copied-{me}
        exec one -- cat copied-{me}
        cp one:copied-{me} back.yaml
        cp one:copied-{me} back.yaml --retries=3
        apply -f back.yaml --dry-run=client
        exec one -- rm copied-{me}
    """,
    "a job of a cron job": """
        create cronjob cron-{me} --image=busybox --schedule='1 1 1 1 1' -- true
        create job job-{me} --from=cronjob/cron-{me} --dry-run=client -o json
        create job job-{me} --from=cronjob/cron-{me} --dry-run=server -o name
        create job job-{me} --from=pod/one
        delete cronjob cron-{me}
    """,
    "a rollout": """
        create -f deployment.yaml
        rollout status deploy/deploy-{me}
        rollout history deploy/deploy-{me}
        set image deploy/deploy-{me} c=busybox:2
        set image deploy/deploy-{me} c=busybox:2
        set image deploy/deploy-{me} nope=busybox
        set image deploy/deploy-{me}
        rollout undo deploy/deploy-{me} --to-revision=99
        rollout pause deploy/deploy-{me}
        rollout pause deploy/deploy-{me}
        rollout restart deploy/deploy-{me}
        rollout undo deploy/deploy-{me}
        rollout resume deploy/deploy-{me}
        rollout resume deploy/deploy-{me}
        rollout restart -f deployment.yaml
        rollout status deploy/deploy-{me} --watch=false --revision=99
        scale deploy/deploy-{me} --replicas=0 --current-replicas=5
        scale deploy/deploy-{me} --replicas=0 --current-replicas=0
        scale deploy/deploy-{me} --replicas=1 --dry-run=server
        scale -f deployment.yaml --replicas=0 -o name
        expose deploy/deploy-{me}
        expose deploy/deploy-{me}
        expose deploy/deploy-{me} --port=80,90 --name=x --dry-run=client -o yaml
        expose svc/deploy-{me} --port=1 --target-port=web --selector=a=b --name=x --dry-run=server
        delete svc,deploy deploy-{me}
    """,
    "fields of a template, set": """
        create -f deployment.yaml
        set env deploy/deploy-{me} A=1 B=2
        set env deploy/deploy-{me} --from=cm/kube-root-ca.crt A-
        set resources deploy/deploy-{me} --limits=cpu=1 --requests=cpu=2
        set sa deploy/deploy-{me} deploy/missing default
        autoscale deploy/deploy-{me} --max=3 --cpu=70% --memory=200 --dry-run=server -o json
        autoscale cm/kube-root-ca.crt --max=3
        delete deploy deploy-{me}
    """,
    "a node put aside": """
        taint node {node} a=b:PreferNoSchedule --dry-run=server
        taint node {node} missing a=b:NoExecute -o jsonpath={.spec} --dry-run=client
        cordon {node} --dry-run=client
        uncordon {node}
        drain {node} --dry-run=client --pod-selector=app=one
        drain {node} --dry-run=server --pod-selector=app=one --force
        drain {node} --dry-run=client --pod-selector=app=none
    """,
    "what was applied last": """
        create -f map.yaml
        apply set-last-applied -f map.yaml
        apply set-last-applied -f map.yaml --create-annotation
        apply set-last-applied -f map-blue.yaml -o yaml
        apply view-last-applied -f map.yaml -o json
        delete -f map.yaml
    """,
    "a kubeconfig of one's own": """
        --kubeconfig=own config set-cluster c --server=https://x --certificate-authority=pod.yaml
        --kubeconfig=own config set-credentials u --token=t --exec-command=x --exec-env=A=1
        --kubeconfig=own config set contexts.one.two.namespace here
        --kubeconfig=own config set clusters.c.certificate-authority-data hi!
        --kubeconfig=own config unset clusters.c.certificate-authority
        --kubeconfig=own config delete-user v
        --kubeconfig=own config delete-user
        --kubeconfig=own config view --raw
    """,
    "run, restarted": """
        run run-{me} --image=busybox --restart=OnFailure -- sh -c '[ -e x ] || { touch x; echo 1; exit 1; }'
        wait --for=jsonpath={.status.phase}=Running pod/run-{me} --timeout=1s
        delete pod run-{me} --now
    """,
}


def _lines(text):
    return [line.strip() for line in text.strip().splitlines()]


@pytest.mark.parametrize("line", _lines(LOOKS))
def test_a_line_reads_alike(pair, line):
    pair.agree(line)


@pytest.fixture(scope="module")
def described(cluster):
    """A namespace with an object of each kind that has a description of its own."""
    namespace = "described"
    file = Path(__file__).with_name("described.yaml")
    settled = '{.status.conditions[?(@.type=="Available")].status}=True'
    cluster.mini_kubectl("create", "namespace", namespace, check=True)
    cluster.mini_kubectl("apply", "-n", namespace, "-f", str(file), check=True)
    wait = ("wait", "-n", namespace, "deploy/rich", f"--for=jsonpath={settled}")
    cluster.mini_kubectl(*wait, check=True)
    return namespace


@pytest.mark.parametrize(
    "kinds",
    [
        "deploy,rs,rc,sts,ds",
        "jobs,cronjobs,hpa",
        "quota,limits,roles,rolebindings,sc",
        "clusterroles,clusterrolebindings,priorityclasses",
        "ing,netpol,pdb,pvc,pv,endpointslices",
    ],
)
def test_descriptions_read_alike(pair, described, kinds):
    for kind in kinds.split(","):
        pair.agree(f"describe {kind} -n {described}")


def test_an_edit_goes_alike(pair):
    editor = {"KUBE_EDITOR": "sed -i -e 's/k: v/k: w/'"}
    pair.agree("create cm edited-{me} --from-literal=k=v -n default")
    for _ in ("changed", "unchanged"):
        pair.agree("edit cm edited-{me} -n default --output-patch", env=editor)


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_goes_alike(cluster, pair, script):
    for line in _lines(script.replace("{node}", node_of(cluster))):
        pair.agree(line, stdin=b"from standard input\n")


@pytest.mark.parametrize(
    "line",
    [
        "logs -l tier=stage --prefix",
        "logs -l tier=stage --tail=2 --prefix --all-containers",
        "logs -l 'app in (two,over)' --all-containers --tail=-1",
        "logs -l tier=stage --ignore-errors --prefix",
        "logs -l tier=stage",
    ],
)
def test_logs_of_several_pods_hold_the_same_lines(pair, line):
    """kubectl goes through the pods in the order of a Go map: by chance."""
    real, ours = pair.outcomes(line)

    lines = [sorted(each.stdout.splitlines()) for each in (real, ours)]
    assert lines[0] == lines[1]
    assert (real.code, real.stderr) == (ours.code, ours.stderr)


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_standard_input_comes_back_alike(pair, size):
    told = pair.agree("exec -i one -- cat", stdin=b"x" * size)

    assert (told.code, len(told.stdout)) == (0, size)


def test_a_manifest_is_read_from_standard_input(pair):
    manifest = b"{kind: ConfigMap, apiVersion: v1, metadata: {name: piped}}"

    pair.agree("apply -f - --dry-run=client", stdin=manifest)
    pair.agree("create -f - -o name --dry-run=client", stdin=manifest)


def test_a_watch_shows_the_same_events(cluster, pair, shell):
    name = "observed"
    arguments = ["get", "pods", "-n", "default", "-w", "-l", f"app in ({shell},{name})"]
    commands = [[program, *arguments] for program in pair.programs.values()]

    with (
        Background(commands[0], env=cluster.env) as real,
        Background(commands[1], env=cluster.env) as ours,
    ):
        # Who has shown the one that is there has listed, and will miss no event.
        for watch in (real, ours):
            watch.line(shell)
        cluster.pod(name, *_SLEEP)
        cluster.mini_kubectl("delete", "pod", name, check=True)
        for watch in (real, ours):
            watch.line(lambda line: name in line and "Terminating" in line)

        seen = [[normal(line) for line in watch.lines] for watch in (real, ours)]

    assert seen[0] == seen[1]


_BASH = "env 'PS1=next>' bash --norc --noprofile"
_PROMPT = "next>"
#: What is typed, after what has been shown.
TERMINALS = {
    "a shell that is left with a code": (
        f"exec -it one -- {_BASH}",
        [
            (_PROMPT, "stty size\r"),
            (_PROMPT, "tty | cut -c1-9; echo $TERM\r"),
            (_PROMPT, "exit 6\r"),
        ],
    ),
    "a shell that is left with Ctrl-D": (
        f"exec -it one -- {_BASH}",
        [(_PROMPT, "echo here\r"), (_PROMPT, "\x04")],
    ),
    # It says nothing before Enter, or what it says might come before we are attached.
    "a pod of its own": (
        "run pty-{me} -it --rm --restart=Never --image=busybox --command --"
        f' sh -c "read line; exec {_BASH}"',
        [
            ("try pressing enter.", "\r"),
            (_PROMPT, "echo in-pod; stty size\r"),
            (_PROMPT, "exit 4\r"),
        ],
    ),
}


@pytest.mark.parametrize(("line", "dialogue"), TERMINALS.values(), ids=TERMINALS)
def test_a_terminal_shows_the_same(cluster, pair, line, dialogue):
    agree_in_a_terminal(cluster, pair, line, dialogue)


def agree_in_a_terminal(cluster, pair, line, dialogue):
    shown = []
    for client, program in pair.programs.items():
        words = shlex.split(line.replace("{me}", client))
        with Terminal([program, *words], env=cluster.env | pair.env) as terminal:
            for awaited, typed in dialogue:
                terminal.expect(awaited)
                terminal.send(typed)
            code = terminal.wait()
        # What is typed before kubectl has made its terminal raw is echoed there too,
        # so an Enter may be seen once or twice.
        lines = filter(None, terminal.screen)
        text = normal("\n".join(lines), client, "{me}")
        shown.append(Outcome(code, text, ""))

    real, ours = shown
    assert ours == real, difference(line, real, ours)


_PATIENT_SHELL = ["sh", "-c", f"read line; exec {_BASH}"]
_ATTACHED = [
    ("try pressing enter.", "\r"),
    (_PROMPT, "echo attached; stty size\r"),
    (_PROMPT, "exit 4\r"),
]


def test_an_attached_terminal_shows_the_same(cluster, pair):
    for client in pair.programs:
        container = {"name": "c", "image": "busybox", "command": _PATIENT_SHELL}
        container |= {"stdin": True, "tty": True}
        cluster.pod(f"tty-{client}", containers=[container], restartPolicy="Never")

    line = "-n default attach -it tty-{me}"
    agree_in_a_terminal(cluster, pair, line, _ATTACHED)


@pytest.mark.parametrize("target", ["debugged-{me}", "node/{node}"])
def test_debugging_in_a_terminal_shows_the_same(cluster, pair, target):
    if "node" not in target:
        for client in pair.programs:
            cluster.pod(target.replace("{me}", client))
    target = target.replace("{node}", node_of(cluster))

    line = f"-n default debug {target} -it --image=busybox -c tool -- "
    agree_in_a_terminal(cluster, pair, line + shlex.join(_PATIENT_SHELL), _ATTACHED)


def node_of(cluster):
    return cluster.get("nodes")["items"][0]["metadata"]["name"]


# Says hello to whoever connects.
_GREETER = """
import os, socket
listener = socket.create_server((os.environ["MINI_KUBE_POD_IP"], 7000))
while True:
    connection = listener.accept()[0]
    connection.sendall(b"hello")
    connection.close()
"""


def test_an_exec_passes_through_a_proxy(pair):
    """The real kubectl through our proxy, and ours through the real one."""
    told = []
    programs = list(pair.programs.values())
    for program, server in (programs, programs[::-1]):
        command = [server, "proxy", "--port=0", "--reject-paths=^$"]
        with Background(command, env=pair.env) as running:
            address = running.line("Starting to serve on ").split()[-1]
            line = [program, "-s", f"http://{address}", "exec", "one", "--"]
            done = subprocess.run(
                [*line, "sh", "-c", "echo out; echo err >&2; exit 3"],
                capture_output=True,
                env=pair.env,
                check=False,
            )
            told.append((done.returncode, done.stdout))
            os.kill(running.pid, signal.SIGINT)
            running.wait()

    assert told == [(3, b"out\n"), (3, b"out\n")]


def test_port_forward_says_the_same(cluster, pair):
    name = cluster.pod("greeter", sys.executable, "-c", _GREETER)
    told = []
    for client, program in pair.programs.items():
        command = [program, "port-forward", "--address=127.0.0.1", "-n", "default"]
        with Background([*command, f"pod/{name}", ":7000"], env=cluster.env) as running:
            line = running.line("-> 7000")
            port = int(re.search(r":(\d+) ->", line)[1])
            with socket.create_connection(
                ("127.0.0.1", port), timeout=30
            ) as connection:
                greeting = connection.makefile("rb").read()
            running.line("Handling connection")
            os.kill(running.pid, signal.SIGINT)
            code = running.wait()
            text = "\n".join(running.lines).replace(str(port), "PORT")
        told.append((client, greeting, Outcome(code, text, running.error)))

    assert [greeting for _, greeting, _ in told] == [b"hello", b"hello"]
    (_, _, real), (_, _, ours) = told
    assert ours == real, difference("port-forward", real, ours)
