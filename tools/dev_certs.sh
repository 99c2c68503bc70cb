#!/bin/sh
# Makes a throw-away certificate authority with a server's and a client's certificate, to try TLS and
# mutual TLS on one's own machine. Not for production: the CA's key lies beside what it signed.
#
#   tools/dev_certs.sh DIR [SERVER_NAME...]      e.g. tools/dev_certs.sh /tmp/certs my-host.example
#
# DIR then holds ca.crt, ca.key, tls.crt + tls.key (localhost, 127.0.0.1, ::1 and SERVER_NAMEs),
# client.crt + client.key (URI spiffe://dev.ipt/ns/ipt/sa/client), all EC P-256, valid for 90 days.
# An existing CA in DIR is kept, so that a second run renews the other certificates.
set -eu

if [ $# -lt 1 ] || [ "$1" = "--help" ] || [ "$1" = "-h" ]; then
  sed -n '2,10s/^# \{0,1\}//p' "$0"
  [ $# -ge 1 ] || exit 2
  exit 0
fi
dir=$1
shift
mkdir -p "$dir"
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ ! -f "$dir/ca.key" ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 \
    -subj "/CN=IPT development CA" -addext "keyUsage=critical,keyCertSign,cRLSign" \
    -keyout "$dir/ca.key" -out "$dir/ca.crt" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
fi

# issue FILE COMMON_NAME SUBJECT_ALT_NAMES EXTENDED_KEY_USAGE
issue() {
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" \
    -keyout "$work/$1.key" -out "$work/$1.csr" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
  printf 'basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=%s\nsubjectAltName=%s\n' \
    "$4" "$3" >"$work/$1.ext"
  openssl x509 -req -in "$work/$1.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -days 90 \
    -set_serial "0x$(openssl rand -hex 8)" -extfile "$work/$1.ext" -out "$work/$1.crt" \
    2>"$work/log" || { cat "$work/log" >&2; exit 1; }
  # Written aside first: nobody who watches these files sees half of one.
  for part in key crt; do
    cp "$work/$1.$part" "$dir/.$1.$part.new"
    mv "$dir/.$1.$part.new" "$dir/$1.$part"
  done
}

names="DNS:localhost,IP:127.0.0.1,IP:::1"
for name in "$@"; do
  names="$names,DNS:$name"
done
issue tls localhost "$names" serverAuth,clientAuth
issue client dev-client "URI:spiffe://dev.ipt/ns/ipt/sa/client" clientAuth
echo "wrote ca.crt, tls.crt, tls.key, client.crt and client.key to $dir"
