import { utf8, viewOf } from '@holdfast/io';
import { Builder } from 'flatbuffers';
import { describe, expect, it } from 'vitest';
import { RANGE_MAP } from './generated/layout.ts';
import { NodeAddress } from './generated/node-address.ts';
import { RangeMap } from './generated/range-map.ts';
import { ProtocolError } from './holdfast-error.ts';
import { readRangeMap } from './range-map.ts';
import { verifyTable } from './verifier.ts';

/** A range map whose nodes come from `nodes`, unchecked. */
function mapOf(nodes: (builder: Builder) => number[]): Uint8Array {
  const builder = new Builder(64);
  const vector = RangeMap.createNodesVector(builder, nodes(builder));
  const none = RangeMap.createRangesVector(builder, []);
  const noKeyspaces = RangeMap.createKeyspacesVector(builder, []);
  builder.finish(RangeMap.createRangeMap(builder, 1n, vector, none, noKeyspaces));
  return builder.asUint8Array();
}

describe('verifyTable', () => {
  it('accepts what flatc writes, shared vtables among it', () => {
    const map = mapOf((builder) =>
      ['a:1', 'b:2', 'c:3'].map((address, i) =>
        NodeAddress.createNodeAddress(builder, i + 1, builder.createString(address)),
      ),
    );
    expect(readRangeMap(map).nodes.map((node) => node.address)).toEqual(['a:1', 'b:2', 'c:3']);
  });

  it('refuses parts that overlap: a small buffer never stands for much work', () => {
    const map = mapOf((builder) => {
      const one = NodeAddress.createNodeAddress(builder, 1, builder.createString('x'.repeat(1000)));
      return new Array<number>(1000).fill(one);
    });
    expect(() => verifyTable(viewOf(map), RANGE_MAP)).toThrow('parts overlap');
  });

  it('refuses a missing required field', () => {
    const builder = new Builder(64);
    RangeMap.startRangeMap(builder);
    RangeMap.addGeneration(builder, 1n);
    // Not endRangeMap: it would refuse to write this.
    builder.finish(builder.endObject());
    expect(() => verifyTable(viewOf(builder.asUint8Array()), RANGE_MAP)).toThrow('nodes missing');
  });

  it('reads a table that a later version has made longer', () => {
    const builder = new Builder(64);
    const nodes = RangeMap.createNodesVector(builder, []);
    const ranges = RangeMap.createRangesVector(builder, []);
    const keyspaces = RangeMap.createKeyspacesVector(builder, []);
    const later = builder.createString('later');
    builder.startObject(6);
    builder.addFieldInt64(0, 5n, 0n);
    builder.addFieldOffset(1, nodes, 0);
    builder.addFieldOffset(2, ranges, 0);
    builder.addFieldOffset(3, keyspaces, 0);
    builder.addFieldOffset(5, later, 0);
    builder.finish(builder.endObject());
    expect(readRangeMap(builder.asUint8Array())).toEqual({
      generation: 5,
      nodes: [],
      ranges: [],
      keyspaces: [],
    });
  });

  it('refuses text that is not UTF-8', () => {
    const map = mapOf((builder) => [
      NodeAddress.createNodeAddress(builder, 1, builder.createString(Uint8Array.of(0x61, 0xff))),
    ]);
    expect(() => readRangeMap(map)).toThrow(ProtocolError);
  });

  it('refuses text that is longer than its limit', () => {
    const map = mapOf((builder) => [
      NodeAddress.createNodeAddress(builder, 1, builder.createString('x'.repeat(301))),
    ]);
    expect(() => readRangeMap(map)).toThrow('limit');
  });

  it('refuses a vtable that begins inside the buffer and ends outside', () => {
    const bytes = new Uint8Array(16);
    const view = viewOf(bytes);
    view.setUint32(0, 4, true); // table at 4
    view.setInt32(4, 4 - 12, true); // vtable at 12
    view.setUint16(12, 60, true);
    view.setUint16(14, 8, true);
    expect(() => verifyTable(view, RANGE_MAP)).toThrow('vtable size');
  });

  it('refuses offsets and vtables outside the buffer', () => {
    const sound = mapOf((builder) => [
      NodeAddress.createNodeAddress(builder, 1, builder.createString('a:1')),
    ]);
    const root = viewOf(sound).getUint32(0, true);
    const hostile = [
      0,
      1,
      3,
      8,
      sound.length - 4,
      sound.length,
      0x7fff_ffff,
      0x8000_0000,
      0xffff_fffc,
      0xffff_ffff,
    ];
    for (const value of hostile) {
      for (const at of [0, root]) {
        const map = sound.slice();
        if (viewOf(map).getUint32(at, true) === value) continue;
        viewOf(map).setUint32(at, value, true);
        try {
          readRangeMap(map);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }
    }
    for (let length = 0; length < 12; length++) {
      expect(() => verifyTable(viewOf(utf8('x'.repeat(length))), RANGE_MAP)).toThrow(ProtocolError);
    }
  });
});
