import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
import{scenarioPositions}from"./chunk-6TYQ4GGV.js";import"./chunk-66B2ZEXS.js";export{scenarioPositions};
