"""Lists as spreadsheets in the reader's language, a function each; `web.exports.send_list` sends them."""
