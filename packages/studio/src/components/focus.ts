/** Where the keyboard goes on when what had the focus is gone. */

/** The content of the page. */
export function focusMain(): void {
  document.getElementById('main')?.focus();
}

/** The first of these that is on the page once it is drawn again, else the content. */
export function focusNext(selector: string): void {
  requestAnimationFrame(() => {
    const next = document.querySelector<HTMLElement>(selector);
    if (next) next.focus();
    else focusMain();
  });
}
