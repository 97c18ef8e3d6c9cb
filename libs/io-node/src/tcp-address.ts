import type { Address } from '@holdfast/io';

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** Splits `host:port` or `[ipv6]:port`; undefined when it is neither. Port 0 asks for any free one. */
export function parseAddress(address: Address): HostAndPort | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

export function formatAddress(host: string, port: number): Address {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
