/**
 * The page's only program: a cell of the confusion matrix opens the pictures behind it. Pictures are cloned from the
 * document, never made from text, so nothing in the data can become code.
 */
export const script = `
const dialog=document.getElementById("cell");
const store=document.getElementById("pictures");
for(const button of document.querySelectorAll("[data-cell]"))button.addEventListener("click",()=>{
dialog.querySelector("h3").textContent=button.title;
const shown=[...store.content.querySelectorAll('[data-of="'+button.dataset.cell+'"]')].map(node=>node.cloneNode(true));
dialog.querySelector(".photos").replaceChildren(...shown);
dialog.querySelector("p").hidden=shown.length>0;
dialog.showModal();
});
`;
