import type { Address } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';

const SCHEME = 'holdfast://';
/** A host name, an IPv4 address or an IPv6 address in brackets; then a port. */
const ADDRESS = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.%]+\]):([0-9]{1,5})$/;
/** The same after an HTTP scheme, where the port may be left out. */
const GATEWAY = /^https?:\/\/(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?\/?$/;

/**
 * The addresses of `holdfast://host:port[,host:port …]`, without duplicates.
 *
 * @throws HoldfastError `HF_BAD_REQUEST`.
 */
export function parseTarget(target: string): readonly Address[] {
  if (!target.startsWith(SCHEME)) throw bad(`a target begins with ${SCHEME}`);
  const addresses = target.slice(SCHEME.length).replace(/\/$/, '').split(',');
  for (const address of addresses) checkPort(address, ADDRESS.exec(address)?.[1] ?? '0');
  return [...new Set(addresses)];
}

/** True for `http://host[:port]` and `https://host[:port]`: a gateway. @throws HoldfastError `HF_BAD_REQUEST`. */
export function isGatewayTarget(target: string): boolean {
  if (!/^https?:/.test(target)) return false;
  const match = GATEWAY.exec(target);
  // Credentials, paths and queries have no meaning here; dropping them would hide a mistake.
  if (match === null) throw bad('a gateway is http://host:port or https://host:port');
  checkPort(target, match[1] ?? '80');
  return true;
}

function checkPort(address: string, digits: string): void {
  const port = Number(digits);
  if (port < 1 || port > 65_535) throw bad(`"${address}" is not host:port`);
}

function bad(detail: string): HoldfastError {
  return new HoldfastError('HF_BAD_REQUEST', { detail });
}
