import type { Router } from './route.ts';

export function settingsPages(_router: Router): void {}
