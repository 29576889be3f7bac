import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);
var invisible=new RegExp("\\p{Cc}|\\p{Cf}|\\p{Co}|\\p{Cn}|\\p{Zl}|\\p{Zp}|[\\u115F\\u1160\\u2800\\u3164\\uFFA0]","gu"),selectors=/[\uFE00-\uFE0F]|[\u180B-\u180F]|[\u{E0100}-\u{E01EF}]|\u034F/gu,loneSurrogate=new RegExp("\\p{Cs}","gu"),manyMarks=new RegExp("(\\p{M}{3})\\p{M}+","gu"),terminalSequence=/\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001B]*(?:\u0007|\u001B\\)?|[@-Z\\^_])/g,visibleText=text=>defuse(text).replaceAll(/\r\n?|[\u0085\u2028\u2029]/g,`
`).split(`
`).map(line=>line.split("	").map(spellOut).join("	")).join(`
`),defuse=text=>text.replaceAll(loneSurrogate,"�").replaceAll(terminalSequence,"").replaceAll(selectors,"").replaceAll(manyMarks,"$1"),spellOut=text=>text.replaceAll(invisible,named);function named(character){return`[U+${(character.codePointAt(0)??0).toString(16).toUpperCase().padStart(4,"0")}]`}export{visibleText,defuse,spellOut};
