/** The root that a profile of Windows pins, and profiles that somebody made for us. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pinnedRoot } from '../../../drivers/windows/wifi/profile-root.ts';
import { leavesOf } from '../../../drivers/windows/wifi/xml-leaves.ts';
import { type PlayedEap, profileXml } from '../../support/windows/played-wlan.ts';

const ROOT = Array.from({ length: 20 }, (_, n) => (n * 11).toString(16).padStart(2, '0')).join(' ');
const SHA1 = ROOT.replaceAll(' ', '');
const OTHER = ROOT.replace('00', 'ff');

describe('the root of a profile', () => {
  it('is the one thumbprint, with what the server has to be called', () => {
    expect(pinnedRoot(profileXml({ roots: [ROOT], names: 'radius.corp.example' }))).toEqual({
      sha1: SHA1,
      serverName: 'radius.corp.example',
    });
    expect(pinnedRoot(profileXml({ roots: [ROOT.toUpperCase(), ROOT] }))).toEqual({ sha1: SHA1, serverName: null });
    expect(pinnedRoot(profileXml({ roots: [SHA1], performed: true }))?.sha1).toBe(SHA1);
  });

  it.each<[string, PlayedEap]>([
    ['there is none', { roots: [] }],
    ['there are two', { roots: [ROOT, OTHER] }],
    ['one of them is no thumbprint', { roots: [ROOT, 'any'] }],
    ['it is too short', { roots: [ROOT.slice(3)] }],
    ['it is too long', { roots: [`${ROOT} 00`] }],
    ['somebody may be asked to let another pass', { roots: [ROOT], noPrompt: false }],
    ['the server is not verified', { roots: [ROOT], performed: false }],
  ])('is none where %s', (_, eap) => {
    expect(pinnedRoot(profileXml(eap))).toBeNull();
  });

  it.each([
    ['outside of the login', profileXml({ roots: [ROOT] }).replaceAll(/OneX/g, 'Other')],
    ['in a comment', profileXml({ roots: [`--><!-- ${ROOT} --><x>`] })],
    ['with something in it', profileXml({ roots: [`${ROOT}<x/>`] })],
    ['in CDATA', profileXml({ roots: [`<![CDATA[${ROOT}]]>`] })],
    ['by an entity', profileXml({ roots: ['&root;'] })],
    ['behind a document type', `<!DOCTYPE a [<!ENTITY root "${ROOT}">]>${profileXml({ roots: [ROOT] })}`],
    ['behind an instruction', profileXml({ roots: [`<?x y?>${ROOT}`] })],
    ['in a document that does not end', profileXml({ roots: [ROOT] }).replace('</WLANProfile>', '')],
    ['in a document with a second root', `${profileXml({ roots: [ROOT] })}<x/>`],
    ['between tags that cross', profileXml({ roots: [ROOT] }).replace('</eapPeap:Eap>', '</eapPeap:EapType>')],
    ['in what is longer than any profile', profileXml({ roots: [ROOT] }) + ' '.repeat(262_144)],
    ['in what is nested deeper than any profile', '<a>'.repeat(33) + '</a>'.repeat(33)],
  ])('is not read %s', (_, xml) => {
    expect(pinnedRoot(xml)).toBeNull();
  });
});

describe('the leaves of XML', () => {
  it('have their text with the entities of XML, their path without prefixes', () => {
    const xml = `\uFEFF<?xml version="1.0" encoding="UTF-16"?>\n<a x="1 > 2"><!-- b --><n:b y='"'>1 &lt; &#50;&#x33; &amp;</n:b><c/></a>\n`;
    expect(leavesOf(xml)).toEqual([
      { path: ['a', 'b'], text: '1 < 23 &' },
      { path: ['a', 'c'], text: '' },
    ]);
  });

  it.each(['', 'text', '<a>', '</a>', '<a></b>', '<a></a x="1">', '<a b></a>', '<a b=c/>', '<a>&#0;</a>', '<a>&</a>'])(
    'of %j there are none',
    (xml) => {
      expect(leavesOf(xml)).toBeNull();
    },
  );

  it('are as many as there may be, and none where there are more', () => {
    const many = (count: number) => `<a>${'<b/>'.repeat(count)}</a>`;
    expect(leavesOf(many(2047))).toHaveLength(2047);
    expect(leavesOf(many(2048))).toBeNull();
  });

  it('whatever the text is, it ends with leaves or with none', () => {
    const pieces = ['<', '>', '/', 'a', 'b:', '="', "'", '&', '#x', ';', '<!--', '-->', '--', ' ', '<a>', '</a>', '\n'];
    const noise = fc.array(fc.constantFrom(...pieces), { maxLength: 300 }).map((parts) => parts.join(''));
    const units = fc.array(fc.nat(0xffff), { maxLength: 300 }).map((codes) => String.fromCharCode(...codes));
    fc.assert(
      fc.property(fc.oneof(noise, units), (xml) => {
        const leaves = leavesOf(`<a>${xml}</a>`);
        expect(leaves === null || leaves.length > 0).toBe(true);
      }),
    );
  });

  it.each([
    ['comments that do not end', '<!--'.repeat(60_000)],
    ['an attribute that does not end', `<a ${'x="1" '.repeat(40_000)}`],
    ['blanks', `<a${' '.repeat(200_000)}`],
    ['names', '<a'.repeat(100_000)],
  ])('take no more than one pass for %s', (_, xml) => {
    expect(leavesOf(xml)).toBeNull();
  });
});
