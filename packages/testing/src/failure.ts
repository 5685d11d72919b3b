/** What `action` throws or rejects with. @throws Error when it does neither, or gives what is no Error */
export async function failureOf(action: () => unknown): Promise<Error> {
  try {
    await action();
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
