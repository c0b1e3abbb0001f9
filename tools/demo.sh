#!/usr/bin/env bash
# The demonstration: four partners' folders (or the folders given) become credit in a ledger, and proof of it.
# Called by ./jangbu.sh demo, which builds first and says in JANGBU_BIN where the programs are.
set -euo pipefail

BIN="${JANGBU_BIN:?call ./jangbu.sh demo}"
KEEP=0
SIZE="${JANGBU_DEMO_MB:-24}"
FOLDERS=()
for argument in "$@"; do
  case "$argument" in
    --keep) KEEP=1 ;;
    -*) printf 'demo: unknown option %s\n' "$argument" >&2; exit 2 ;;
    *)
      [ -d "$argument" ] || { printf 'demo: no such folder: %s\n' "$argument" >&2; exit 2; }
      FOLDERS+=("$(cd "$argument" && pwd)")
      ;;
  esac
done

case "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}" in
  ko*) LANGUAGE_CODE=ko ;;
  *) LANGUAGE_CODE=en ;;
esac
# say KOREAN ENGLISH
say() { if [ "$LANGUAGE_CODE" = ko ]; then printf '\n== %s\n' "$1"; else printf '\n== %s\n' "$2"; fi; }

WORK="$(mktemp -d "${TMPDIR:-/tmp}/jangbu-demo.XXXXXX")"
SERVER_PID=""
stop_server() {
  [ -n "$SERVER_PID" ] || return 0
  kill "$SERVER_PID" 2>/dev/null || true
  wait "$SERVER_PID" 2>/dev/null || true
  SERVER_PID=""
}
finish() {
  local code=$?
  if [ "$code" -ne 0 ] && [ -f "$WORK/server.log" ]; then
    printf '\n-- %s\n' "$WORK/server.log" >&2
    tail -n 20 "$WORK/server.log" >&2
  fi
  if [ "$KEEP" -eq 0 ]; then
    stop_server
    rm -rf "$WORK"
  fi
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

# A port nobody listens on, below those that the kernel deals out by itself (32768 and more).
free_port() {
  local port
  while :; do
    port=$((10000 + RANDOM % 22000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { printf '%s\n' "$port"; return; }
  done
}

export XDG_CONFIG_HOME="$WORK/config" XDG_STATE_HOME="$WORK/state"
PORT="$(free_port)"
HTTP="$(free_port)"
export JANGBU_SERVER="127.0.0.1:$PORT"
unset JANGBU_KEY JANGBU_KEY_FILE
J=("$BIN/jangbu" --lang "$LANGUAGE_CODE")
OPERATOR=("${J[@]}" --key-file "$WORK/data/operator.key")

start_server() {
  "$BIN/jangbud" serve --data "$WORK/data" --listen "$JANGBU_SERVER" --http "127.0.0.1:$HTTP" >> "$WORK/server.log" 2>&1 &
  SERVER_PID=$!
  local attempt
  for attempt in $(seq 1 300); do
    kill -0 "$SERVER_PID" 2>/dev/null || { wait "$SERVER_PID" || true; SERVER_PID=""; printf 'demo: the server did not start\n' >&2; return 1; }
    if [ -f "$WORK/data/operator.key" ] && "${OPERATOR[@]}" -q --timeout 2s server info >/dev/null 2>&1; then return 0; fi
    sleep 0.2
  done
  printf 'demo: the server does not answer\n' >&2
  return 1
}

if [ ${#FOLDERS[@]} -eq 0 ]; then
  say "파트너사 네 곳의 말뭉치를 만듭니다 (${SIZE} MB, 서로 겹치는 글과 중복, 깨진 기록 포함)" \
      "Generating the corpora of four partners (${SIZE} MB; overlapping, with duplicates and broken records)"
  while IFS= read -r name; do FOLDERS+=("$WORK/corpora/$name"); done < <("$BIN/jangbu-gen-corpus" --demo "$WORK/corpora" --size "$SIZE")
  du -sh "${FOLDERS[@]}" | sed "s|$WORK/corpora/||"
fi

say "서버를 새 자료 폴더로 시작합니다" "Starting a server on a fresh data directory"
start_server
"${OPERATOR[@]}" server info
# The first checkpoint is remembered; after all the work below the log must still continue it.
"${OPERATOR[@]}" log consistency

PARTNERS=()
UPLOADS=()
number=0
for folder in "${FOLDERS[@]}"; do
  number=$((number + 1))
  name="$(basename "$folder")"
  partner="$(printf '%s' "$name" | tr 'A-Z_. ' 'a-z---' | LC_ALL=C tr -cd 'a-z0-9-' | cut -c1-36)"
  partner="${partner#-}"
  [ ${#partner} -ge 2 ] || partner="partner-$number"
  case " ${PARTNERS[*]:-} " in *" $partner "*) partner="$partner-$number" ;; esac
  case "$partner" in
    saebit-ilbo) type=article title="2023~2025 기사" ;;
    daon-books) type=book title="소설 전집" ;;
    hanbyeol-univ) type=paper title="학위 논문과 수집 기사" ;;
    garam-tech) type=report title="기술 보고서" ;;
    *) type=text title="$name" ;;
  esac
  say "$partner: 등록, 키 발급, 올리기" "$partner: registering, issuing a key, uploading"
  "${OPERATOR[@]}" -q partner add "$name" --id "$partner"
  "${OPERATOR[@]}" key issue --partner "$partner" --role partner --person demo --out "$WORK/$partner.key"
  PARTNER=("${J[@]}" --key-file "$WORK/$partner.key")
  corpus="$("${PARTNER[@]}" -q corpus add --title "$title" --source-type "$type" --rights "demo")"
  if [ $number -eq 1 ]; then
    tried="$(cd "$(dirname "$folder")" && "${PARTNER[@]}" -q --json upload "$corpus" "$name" --dry-run |
      sed -n 's/.*"dry_run":true.*"novel_korean_words":\([0-9]*\).*/\1/p')"
  fi
  (cd "$(dirname "$folder")" && "${PARTNER[@]}" upload "$corpus" "$name")
  if [ $number -eq 1 ]; then
    came="$("${PARTNER[@]}" --json upload show "$partner/u1" | sed 's/.*"novel_korean_words":\([0-9]*\).*/\1/')"
    [ "$tried" = "$came" ] || { printf 'demo: the dry run said %s words, the upload %s\n' "$tried" "$came" >&2; exit 1; }
    say "미리 해 본 시험 계산(--dry-run)도 새 한국어 어절 $tried개라고 했습니다. 서버에 남은 것은 없었습니다" \
        "The dry run before it (--dry-run) had said $tried new Korean words too, and left nothing behind"
  fi
  PARTNERS+=("$partner")
  UPLOADS+=("$partner/u1")
done

say "확정: 모두의 글과 견주어 잠정 기여를 확정 기여로 바꿉니다" \
    "Confirmation: provisional contributions are judged against everybody's text"
"${OPERATOR[@]}" confirm
if "${OPERATOR[@]}" --json confirm --show | grep -q '"documents_awaiting_confirmation":[1-9]'; then
  "${OPERATOR[@]}" confirm --release "$(IFS=,; printf '%s' "${PARTNERS[*]}")" --reason "demonstration"
fi

say "장부" "The books"
"${OPERATOR[@]}" programme

say "증명: 영수증을 서버 없이 확인하고, 로그가 이어지는지 봅니다" \
    "Proof: receipts verified without the server, and the log continues what it was"
for i in "${!PARTNERS[@]}"; do
  receipt="$WORK/${PARTNERS[$i]}.receipt"
  "${J[@]}" -q --key-file "$WORK/${PARTNERS[$i]}.key" receipt get "${UPLOADS[$i]}" -o "$receipt"
  JANGBU_SERVER="127.0.0.1:1" "${J[@]}" -q receipt verify "$receipt"
  receipt="$WORK/${PARTNERS[$i]}-lot.receipt"
  "${J[@]}" -q --key-file "$WORK/${PARTNERS[$i]}.key" receipt get "${PARTNERS[$i]}/l1" -o "$receipt"
  JANGBU_SERVER="127.0.0.1:1" "${J[@]}" -q receipt verify "$receipt"
done
"${OPERATOR[@]}" log consistency
root_before="$("${OPERATOR[@]}" books-root)"

say "감사: 서버를 멈추고 분개장에서 모든 것을 다시 계산합니다" \
    "Audit: the server is stopped and everything is computed again from the journal"
stop_server
"$BIN/jangbud" verify --data "$WORK/data"
start_server
root_after="$("${OPERATOR[@]}" books-root)"
[ "$root_before" = "$root_after" ] || { printf 'demo: books root changed: %s, then %s\n' "$root_before" "$root_after" >&2; exit 1; }
if [ "$LANGUAGE_CODE" = ko ]; then
  printf '장부 요약값 %s (다시 시작해도 같습니다)\n' "$root_after"
else
  printf 'books root %s (the same after a restart)\n' "$root_after"
fi

if [ "$KEEP" -eq 1 ]; then
  say "서버는 계속 돕니다 (멈추기: kill $SERVER_PID). 해 볼 것:" "The server keeps running (to stop it: kill $SERVER_PID). Try:"
  cat <<TEXT
  export PATH="$BIN:\$PATH" JANGBU_SERVER=$JANGBU_SERVER JANGBU_KEY_FILE=$WORK/data/operator.key
  export XDG_STATE_HOME=$XDG_STATE_HOME
  jangbu balance --partner ${PARTNERS[0]}
  jangbu verdicts ${UPLOADS[0]} --verdict rejected
  jangbu items ${UPLOADS[0]} | head
  jangbu transfers --partner ${PARTNERS[0]} --limit 20
  curl http://127.0.0.1:$HTTP/checkpoint
TEXT
  disown "$SERVER_PID" 2>/dev/null || true
else
  say "다음에 해 볼 것:" "What to try next:"
  cat <<TEXT
  ./jangbu.sh demo --keep            # the same, and the server stays
  ./jangbu.sh demo FOLDER..          # your own folders, one partner each
  ./jangbu.sh serve                  # a server to keep; jangbu --help for the rest
TEXT
fi
