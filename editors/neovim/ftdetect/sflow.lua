vim.api.nvim_create_autocmd({ "BufNewFile", "BufRead" }, {
  pattern = "*.sflow",
  callback = function()
    vim.bo.filetype = "sflow"
  end,
})
