// Loaded into the user's program before the SDK. The SDK prints an exception with util.inspect in colours; Node 20's search for package names in
// the stack then never ends on a path such as node_modules/@pulumi/resource.ts (a scoped package without a folder below it, which the SDK's
// source maps make up): it fills half a gigabyte, twice, before it gives up. Colours are stripped from logged errors anyway.
'use strict';
const util = require('node:util');

const inspect = util.inspect;
const withoutColours = (value, options) => (value instanceof Error && options?.colors ? { ...options, colors: false } : options);
util.inspect = Object.assign(function (value, options, ...rest) { return inspect.call(this, value, withoutColours(value, options), ...rest); }, inspect);
