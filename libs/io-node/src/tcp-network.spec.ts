import { networkConformance, realTime } from '@holdfast/io/conformance';
import { TcpNetwork } from './tcp-network.ts';

networkConformance('TcpNetwork', () => {
  const network = new TcpNetwork();
  return {
    ...realTime,
    server: network,
    client: network,
    anyAddress: '127.0.0.1:0',
    floodBytes: 32 * 1024 * 1024,
    end: () => {
      network.destroyAll();
      return Promise.resolve();
    },
  };
});
