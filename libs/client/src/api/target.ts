import type { Address } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';

const SCHEME = 'holdfast://';
/** A host name, an IPv4 address or an IPv6 address in brackets; then a port. */
const ADDRESS = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.%]+\]):([0-9]{1,5})$/;

/**
 * The addresses of `holdfast://host:port[,host:port …]`, without duplicates.
 *
 * @throws HoldfastError `HF_BAD_REQUEST`.
 */
export function parseTarget(target: string): readonly Address[] {
  if (!target.startsWith(SCHEME)) throw bad(`a target begins with ${SCHEME}`);
  const addresses = target.slice(SCHEME.length).replace(/\/$/, '').split(',');
  for (const address of addresses) {
    const port = Number(ADDRESS.exec(address)?.[1] ?? 0);
    if (port < 1 || port > 65_535) throw bad(`"${address}" is not host:port`);
  }
  return [...new Set(addresses)];
}

function bad(detail: string): HoldfastError {
  return new HoldfastError('HF_BAD_REQUEST', { detail });
}
