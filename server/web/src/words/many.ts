// A number with its noun, for languages that have a plural.
export const many = (n: number, one: string, more: string): string => `${n} ${n === 1 ? one : more}`;
