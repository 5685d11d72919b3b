import { expect, it } from 'vitest';
import { conceptKey, flagName, isSkinTone, squeeze } from './names.ts';

it('skin tones, gender, direction and presentation are one concept', () => {
  const farmer = '1F9D1-200D-1F33E';
  expect(conceptKey('1F9D1-200D-1F33E')).toBe(farmer);
  expect(conceptKey('1f468-1f3fb-200d-1f33e')).toBe(farmer);
  expect(conceptKey('1F469_200D_1F33E')).toBe(farmer);
  const runner = '1F3C3';
  expect(conceptKey('1F3C3-1F3FF-200D-2640-FE0F-200D-27A1-FE0F')).toBe(runner);
  expect(conceptKey('2764-FE0F')).toBe('2764');
  expect(conceptKey('2764-FE0F-200D-1F525')).toBe('2764-200D-1F525');
});

it('names of different sets meet', () => {
  expect(squeeze('T-Rex')).toBe('trex');
  expect(squeeze('piñata')).toBe('pinata');
  expect(flagName('flag-for-flag-chad')).toBe('flag-chad');
  expect(flagName('flag-for-chad')).toBe('flag-chad');
  expect(isSkinTone('handshake-dark-skin-tone')).toBe(true);
  expect(isSkinTone('skier-medium-dark')).toBe(true);
  expect(isSkinTone('dark-chocolate')).toBe(false);
});
