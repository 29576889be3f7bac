import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
import{scenarioPositions}from"./chunk-LUVOF4YC.js";import"./chunk-66B2ZEXS.js";export{scenarioPositions};
