#!/bin/sh
# A month of billing against the sandbox, on this machine only: serve it, set up, plan, bill,
# look, bill again. Leaves everything in ./demo for a second look; removes the last one first.
set -eu
cd "$(dirname "$0")/.."
BIN=.venv/bin
DIR=demo
DAY=2026-12-10
COMPANIES=${COMPANIES:-500}

rm -rf "$DIR"
mkdir -p "$DIR"
"$BIN/stavbill" sandbox --companies "$COMPANIES" --seed 42 --as-of "$DAY" --port 0 \
    --ready-file "$DIR/ready.json" > "$DIR/sandbox.log" 2>&1 &
SANDBOX=$!
trap 'kill $SANDBOX 2>/dev/null || true' EXIT INT TERM
while [ ! -s "$DIR/ready.json" ]; do
    kill -0 $SANDBOX 2>/dev/null || { cat "$DIR/sandbox.log"; exit 1; }
    sleep 0.2
done
# The sandbox tells its addresses and tokens; they are invented and die with it.
"$BIN/python" - "$DIR/ready.json" > "$DIR/environment.sh" <<'END'
import json, shlex, sys
ready = json.load(open(sys.argv[1], encoding="utf-8"))
for name, value in ready["environment"].items():
    print(f"export {name}={shlex.quote(value)}")
hosts = (f"--wialon {name}={host['url']}" for name, host in ready["wialon"].items())
print(f"WIALON={shlex.quote(' '.join(hosts))}")
mail = ready["mail"]
print(f"SMTP_HOST={mail['host']} SMTP_PORT={mail['smtp_port']} MAILBOX={mail['page']}")
# Signs names of letters and links; the demonstration's own.
print("export STAVBILL_WEB_SECRET=a-secret-of-the-demonstration-alone")
END
. "$DIR/environment.sh"

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
"$BIN/python" - "$MAILBOX" "$DIR/почта.html" <<'END'
import sys, urllib.request
page = urllib.request.urlopen(sys.argv[1]).read()
open(sys.argv[2], "wb").write(page)
END

say "Где смотреть"
cat <<END
Документы: $DIR/счета   Письма: $DIR/почта.html
Настройки: $CONFIG   База: $DIR/stavbill.sqlite3
Песочница снова:  $BIN/stavbill sandbox --companies $COMPANIES --seed 42 --as-of $DAY
Любая компания:   $BIN/stavbill --config $CONFIG company explain ID
END
if [ -t 0 ] && [ -t 1 ]; then
    printf '\nПесочница ещё работает, её почта: %s\nEnter — закончить. ' "$MAILBOX"
    read -r _ || true
fi
