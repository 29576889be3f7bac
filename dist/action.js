import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
import{startSpareGenerator}from"./chunk-AACOKSOA.js";import"./chunk-66B2ZEXS.js";startSpareGenerator();var{actionCommand}=await import("./chunk-7FVRLBKT.js");process.exitCode=await actionCommand(process.env);
