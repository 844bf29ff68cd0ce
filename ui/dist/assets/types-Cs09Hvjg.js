const e=["alive","suspect","unconfirmed","lost","left"],n=["working","idle","online"];export{e as L,n as S};
