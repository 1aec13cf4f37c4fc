#!/usr/bin/env bash
# build-image.sh REPOSITORY_URL TAG DIRECTORY: build the image, run it once as ECS would, list what it
# is made of in DIRECTORY, push it. Needs Docker with buildx, and credentials for the registry.
set -euo pipefail
repository=$1 tag=$2 directory=$3
image="$repository:$tag" candidate="candidate-$$"

docker buildx build --platform linux/arm64 --provenance=false --load \
    --file service/Dockerfile --build-arg "PYTHON_IMAGE=$(python -m delivery.ops base-image)" \
    --tag "$image" .

# Without a shell, a writable root, a capability or a user of the host, it must come to life.
trap 'docker rm --force "$candidate" >/dev/null' EXIT
docker run --detach --name "$candidate" --read-only --tmpfs /tmp --user 10001:10001 \
    --cap-drop ALL --security-opt no-new-privileges --env-file service/smoke.env "$image"
for attempt in $(seq 30); do
    docker exec "$candidate" python -m budgetbuddy.health && break
    [ "$attempt" -lt 30 ] || { docker logs "$candidate" >&2; exit 1; }
    sleep 1
done
if docker exec "$candidate" sh -c true 2>/dev/null; then
    echo "the image has a shell" >&2
    exit 1
fi
docker cp "$candidate:/var/lib/dpkg/status" "$directory/dpkg-status"
python -m delivery.ops sbom --image "$repository" --version "$tag" \
    --dpkg-status "$directory/dpkg-status" --out "$directory/sbom.json"

aws ecr get-login-password | docker login --username AWS --password-stdin "${repository%%/*}"
docker push "$image"
