import type { Router } from './route.ts';

export function accountPages(_router: Router): void {}
