import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
import{positionsIn}from"./chunk-24VDDMF6.js";import"./chunk-66B2ZEXS.js";export{positionsIn};
