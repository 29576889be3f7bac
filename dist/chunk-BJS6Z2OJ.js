import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
var seededRandom=seed=>{let state=Math.imul(seed^2654435769,2246822507)>>>0;return()=>{state=state+1831565813>>>0;let mixed=Math.imul(state^state>>>15,state|1);return mixed^=mixed+Math.imul(mixed^mixed>>>7,mixed|61),((mixed^mixed>>>14)>>>0)/4294967296}};export{seededRandom};
