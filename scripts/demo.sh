#!/bin/sh
# A month of billing against the sandbox, on this machine only: serve it, set up, plan, bill,
# look, bill again. Leaves everything in ./demo for a second look; removes the last one first.
set -eu
# What it makes is for whoever plays with it.
umask 077
cd "$(dirname "$0")/.."
BIN=.venv/bin
DIR=demo
DAY=2026-12-10
COMPANIES=${COMPANIES:-500}
PORT=${PORT:-8124}

rm -rf "$DIR"
mkdir -p -m 700 "$DIR"
# The same ports every time: what the settings of this demonstration name is there again later.
"$BIN/stavbill" sandbox --dir "$DIR" --companies "$COMPANIES" --seed 42 --as-of "$DAY" \
    --port "$PORT" --ready-file "$DIR/ready.json" > "$DIR/sandbox.log" 2>&1 &
SANDBOX=$!
# Told to stop, the sandbox keeps its world in the folder.
trap 'kill $SANDBOX 2>/dev/null && wait $SANDBOX || true' EXIT INT TERM
while [ ! -s "$DIR/ready.json" ]; do
    kill -0 $SANDBOX 2>/dev/null || { cat "$DIR/sandbox.log"; exit 1; }
    sleep 0.2
done
# The sandbox has written its secrets and its time into the folder's stavbill.env; they are invented.
"$BIN/python" - "$DIR" > "$DIR/hosts.sh" <<'END'
import json, secrets, shlex, sys
folder = sys.argv[1]
ready = json.load(open(f"{folder}/ready.json", encoding="utf-8"))
# Signs names of letters and links.
with open(f"{folder}/stavbill.env", "a", encoding="utf-8") as file:
    file.write(f"STAVBILL_WEB_SECRET={secrets.token_urlsafe(32)}\n")
hosts = (f"--wialon {name}={host['url']}" for name, host in ready["wialon"].items())
print(f"WIALON={shlex.quote(' '.join(hosts))}")
mail = ready["mail"]
print(f"SMTP_HOST={mail['host']} SMTP_PORT={mail['smtp_port']} MAILBOX={mail['page']}")
END
. "$DIR/hosts.sh"
rm "$DIR/hosts.sh"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
stavbill() { printf '$ stavbill %s\n' "$*"; "$BIN/stavbill" "$@"; }

say "1. Портал читается, настройки пишутся"
# shellcheck disable=SC2086  one --wialon for each connection
stavbill init --dir "$DIR" $WIALON --non-interactive
CONFIG="$DIR/stavbill.toml"

say "2. Всё ли готово"
stavbill --config "$CONFIG" doctor

say "3. План месяца: ничего не пишется"
stavbill --config "$CONFIG" run month --as-of "$DAY" --dry-run

say "4. Месяц: счета, задачи, записи в ленту; каждый счёт прочитан обратно и сверен"
stavbill --config "$CONFIG" run month --as-of "$DAY" --yes

say "5. Почему столько, и почему нет счёта"
stavbill --config "$CONFIG" company explain 101
stavbill --config "$CONFIG" company explain 105

say "6. Ещё раз: писать нечего"
stavbill --config "$CONFIG" run month --as-of "$DAY" --yes

say "7. Документы: счёт, каким его увидит клиент, в папке"
cat >> "$CONFIG" <<END

[[documents.issuers]]
issuer = "ps-kz"
purpose_code = "851"                # КНП: печатается в счетах в тенге
END
stavbill --config "$CONFIG" invoice export "$DIR/счета"

say "8. Клиенты получают счета: по письму каждому адресу карточки, стадия и лента в портале"
cat >> "$CONFIG" <<END

[[mail.senders]]
code = "demo"
host = "$SMTP_HOST"
port = $SMTP_PORT
security = "none"                   # только для песочницы: она на этой же машине
address = "billing@stavbill.example"
name = "Автотрэкер, счета"
END
stavbill --config "$CONFIG" delivery send
stavbill --config "$CONFIG" delivery log --company 101

say "9. Ещё раз: отправлять нечего, второго письма не бывает"
stavbill --config "$CONFIG" delivery send
"$BIN/python" - "$MAILBOX" "$DIR" <<'END'
import json, os, sys, urllib.request
box, folder = sys.argv[1:]
def read(address):
    return urllib.request.urlopen(box + address).read()
with open(f"{folder}/почта.html", "wb") as page:
    page.write(read(""))
os.makedirs(f"{folder}/письма")
for letter in json.loads(read("_sandbox/mail"))[:3]:
    with open(f"{folder}/письма/{letter['number']}.eml", "wb") as file:
        file.write(read(f"letters/{letter['number']}/raw"))
END

say "Где смотреть"
cat <<END
Документы: $DIR/счета   Письма: $DIR/почта.html, три из них целиком: $DIR/письма
Настройки: $CONFIG   Секреты: $DIR/stavbill.env   База: $DIR/stavbill.sqlite3

Всё это можно продолжить в любом окне; мир песочницы тот же, что сейчас:
  $BIN/stavbill sandbox --dir $DIR
  $BIN/stavbill --config $CONFIG company explain 105
  $BIN/stavbill --config $CONFIG delivery log --company 101
END
if [ -t 0 ] && [ -t 1 ]; then
    printf '\nПесочница ещё работает, её почта: %s\nEnter — закончить. ' "$MAILBOX"
    read -r _ || true
fi
