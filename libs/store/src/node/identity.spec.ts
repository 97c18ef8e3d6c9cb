import { nodeId, Prng, utf8 } from '@holdfast/io';
import { SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { claimDirectory, IdentityError, markRemoved, parseClusterId } from './identity.ts';

const CLUSTER = '0123456789abcdef0123456789abcdef';
const OWNER = { clusterId: CLUSTER, nodeId: nodeId(1) };

describe('claimDirectory', () => {
  it('claims an empty directory and recognises it afterwards', async () => {
    const disk = new SimDisk({ seed: 1 });
    const claimed = await claimDirectory(disk, '/data', OWNER, new Prng(1));
    expect(claimed).toMatchObject({ ...OWNER, removed: false });
    expect(claimed.storage).toBeGreaterThan(0);
    expect(await claimDirectory(disk, '/data', OWNER, new Prng(2))).toEqual(claimed);
  });

  it('refuses a directory of another cluster or node, and says whose it is', async () => {
    const disk = new SimDisk({ seed: 1 });
    await claimDirectory(disk, '/data', OWNER, new Prng(1));
    const other = 'ffffffffffffffffffffffffffffffff';
    await expect(claimDirectory(disk, '/data', { ...OWNER, clusterId: other }, new Prng(1))).rejects.toThrow(
      CLUSTER,
    );
    await expect(claimDirectory(disk, '/data', { ...OWNER, nodeId: nodeId(2) }, new Prng(1))).rejects.toThrow(
      /node 1/,
    );
  });

  it('refuses the directory of a node that was taken out of the cluster', async () => {
    const disk = new SimDisk({ seed: 1 });
    await markRemoved(disk, '/data', await claimDirectory(disk, '/data', OWNER, new Prng(1)));
    await expect(claimDirectory(disk, '/data', OWNER, new Prng(1))).rejects.toThrow(/never used again/);
  });

  it('refuses a directory that holds data without an identity', async () => {
    const disk = new SimDisk({ seed: 1 });
    await disk.makeDirectory('/data');
    const file = await disk.open('/data/MANIFEST', 'if-missing');
    await file.write([utf8('x')], 0, true);
    await file.close();
    await expect(claimDirectory(disk, '/data', OWNER, new Prng(1))).rejects.toThrow(IdentityError);
  });

  it('survives a power loss at any moment', async () => {
    for (let crashAfter = 1; crashAfter < 12; crashAfter++) {
      const disk = new SimDisk({ seed: crashAfter, crashAfter });
      await claimDirectory(disk, '/data', OWNER, new Prng(1)).catch(() => undefined);
      const survivor = disk.crash();
      await claimDirectory(survivor, '/data', OWNER, new Prng(1));
      expect(await claimDirectory(survivor, '/data', OWNER, new Prng(3))).toMatchObject(OWNER);
    }
  });
});

describe('parseClusterId', () => {
  it('takes 32 hexadecimal digits and nothing else', () => {
    expect([...parseClusterId(CLUSTER)].slice(0, 3)).toEqual([0x01, 0x23, 0x45]);
    for (const wrong of [
      '',
      CLUSTER.slice(1),
      `${CLUSTER}0`,
      CLUSTER.replace('a', 'g'),
      CLUSTER.toUpperCase(),
    ]) {
      expect(() => parseClusterId(wrong)).toThrow(IdentityError);
    }
  });
});
